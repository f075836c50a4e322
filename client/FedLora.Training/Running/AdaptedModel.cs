using FedLora.Adapters;
using FedLora.Training.Lora;
using FedLora.Training.Models;

namespace FedLora.Training.Running;

/// <summary>A base model, perhaps with an adapter from a PEFT folder on it.</summary>
public sealed class AdaptedModel : IDisposable
{
    private readonly AdapterBinding? _binding;

    private AdaptedModel(BaseModel model, AdapterBinding? binding) => (Base, _binding) = (model, binding);

    public BaseModel Base { get; }

    /// <summary>Loads both.</summary>
    /// <param name="folder">The base model's folder.</param>
    /// <param name="adapterFolder">The adapter's folder, or null.</param>
    /// <param name="options">How to load; a task that is not given is the adapter's, or else the checkpoint's.</param>
    /// <exception cref="FedLoraException">As <see cref="BaseModel.Load"/>, <see cref="PeftFolder.Read"/> and <see cref="AdapterBinding"/>.</exception>
    public static AdaptedModel Load(string folder, string? adapterFolder, LoadOptions options)
    {
        var adapter = adapterFolder is null ? null : PeftFolder.Read(adapterFolder);
        var model = BaseModel.Load(folder, options with { Task = options.Task ?? TaskOf(adapter?.Config.TaskType) });
        try
        {
            if (adapter is null)
                return new AdaptedModel(model, null);
            var layout = model.LayoutFor(adapter.Config);
            adapter.RequireFits(layout, adapterFolder!);
            return new AdaptedModel(model, new AdapterBinding(model.Transformer, adapter.State, layout));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>What PEFT's <c>task_type</c> asks a model for; null where it does not say.</summary>
    public static ModelTask? TaskOf(string? taskType) => taskType switch
    {
        "SEQ_CLS" => ModelTask.Classification,
        "CAUSAL_LM" => ModelTask.CausalLanguageModelling,
        _ => null,
    };

    public void Dispose()
    {
        _binding?.Dispose();
        Base.Dispose();
    }
}
