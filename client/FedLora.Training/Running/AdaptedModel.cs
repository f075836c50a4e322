using FedLora.Adapters;
using FedLora.Training.Lora;
using FedLora.Training.Models;

namespace FedLora.Training.Running;

/// <summary>A base model, perhaps with an adapter from a PEFT folder on it.</summary>
public sealed class AdaptedModel : IDisposable
{
    private readonly AdapterBinding? _binding;

    private AdaptedModel(BaseModel model, AdapterBinding? binding, PeftFolder? adapter) =>
        (Base, _binding, Adapter) = (model, binding, adapter);

    public BaseModel Base { get; }

    /// <summary>What lies on it; null for none.</summary>
    public PeftFolder? Adapter { get; }

    /// <summary>Tensors of the head that neither the checkpoint nor the adapter has: made up and untrained.</summary>
    public IReadOnlyList<string> MadeUp =>
        [.. Base.MadeTensors.Where(name => Adapter?.State.TryGet($"base_model.model.{name}", out _) != true)];

    /// <summary>Loads both.</summary>
    /// <param name="folder">The base model's folder.</param>
    /// <param name="adapterFolder">The adapter's folder, or null.</param>
    /// <param name="options">How to load; task and labels that are not given are the adapter's, or else the checkpoint's.</param>
    /// <exception cref="FedLoraException">As <see cref="BaseModel.Load"/>, <see cref="PeftFolder.Read"/> and
    /// <see cref="AdapterBinding"/>.</exception>
    public static AdaptedModel Load(string folder, string? adapterFolder, LoadOptions options)
    {
        var adapter = adapterFolder is null ? null : PeftFolder.Read(adapterFolder, takesDora: true);
        var model = BaseModel.Load(folder,
            options with { Task = options.Task ?? TaskOf(adapter), Labels = options.Labels ?? LabelsOf(adapter) });
        try
        {
            if (adapter is null)
                return new AdaptedModel(model, null, null);
            var layout = model.LayoutFor(adapter.Config);
            adapter.RequireFits(layout, adapterFolder!);
            if (adapter.Magnitudes is not { } magnitudes)
                return new AdaptedModel(model, new AdapterBinding(model.Transformer, adapter.State, layout), adapter);
            // The model is this adapter's alone: its weights may be changed for good.
            Dora.MergeInto(model.Transformer, adapter.State, layout, magnitudes);
            return new AdaptedModel(model,
                new AdapterBinding(model.Transformer, adapter.State.Only(Factors.Head), layout with { Modules = [] }), adapter);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>What an adapter asks a model for: PEFT's <c>task_type</c>, or, for images, which PEFT has none for, that it has labels;
    /// null where it does not say.</summary>
    public static ModelTask? TaskOf(PeftFolder? adapter) => adapter?.Config.TaskType switch
    {
        "SEQ_CLS" => ModelTask.Classification,
        "CAUSAL_LM" => ModelTask.CausalLanguageModelling,
        _ => LabelsOf(adapter) is null ? null : ModelTask.Classification,
    };

    /// <summary>The labels that an adapter's folder states; null where it does not.</summary>
    public static IReadOnlyList<string>? LabelsOf(PeftFolder? adapter) => adapter?.Use is { Labels.Count: > 0 } use ? use.Labels : null;

    public void Dispose()
    {
        _binding?.Dispose();
        Base.Dispose();
    }
}
