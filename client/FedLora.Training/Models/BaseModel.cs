using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Training.Blocks;
using FedLora.Training.Libtorch;
using FedLora.Training.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Models;

/// <summary>How a base model is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>What it is to be used for; null for what its checkpoint was made for.</summary>
    public ModelTask? Task { get; init; }

    /// <summary>The names of classes where they are not the checkpoint's.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>Number type of frozen linear weights and their products.</summary>
    public ComputeType Compute { get; init; } = ComputeType.F32;

    /// <summary><c>cpu</c>, <c>cuda</c>, or <c>auto</c>: the GPU where there is one.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Name of the config file.</summary>
    public string ConfigFile { get; init; } = "config.json";
}

/// <summary>Number type of frozen linear weights and their products; adapters, norms, softmax and loss are always float32.</summary>
public enum ComputeType
{
    F32,
    BF16,

    /// <summary>bfloat16 where this machine multiplies it at least 1.5 times as fast, see <see cref="ComputeChoice"/>.</summary>
    Auto,
}

/// <summary>A base model from a Hugging Face folder, frozen.</summary>
public sealed class BaseModel : IWeightSource, IDisposable
{
    private readonly SafetensorsFolder _weights;
    private readonly FoldedWeights _folded;

    private BaseModel(SafetensorsFolder weights, Transformer transformer, WeightReader reader) =>
        (_weights, Transformer, MadeTensors, _folded) = (weights, transformer, reader.Made, new FoldedWeights(transformer, reader));

    public Transformer Transformer { get; }

    public Architecture Architecture => Transformer.Architecture;

    /// <summary>
    /// Tensors of the head that the checkpoint lacks or has for other classes, so that they were started anew (the same on every machine).
    /// </summary>
    public IReadOnlyList<string> MadeTensors { get; }

    /// <summary>Loads a folder: <c>config.json</c> and <c>model.safetensors</c> or its shards.</summary>
    /// <exception cref="FedLoraException">
    /// <c>model-folder-missing</c>, <c>model-config-missing</c>, <c>model-config-invalid</c>, <c>model-architecture-unknown</c>,
    /// <c>model-task-unsupported</c>,
    /// <c>tensor-missing</c>, <c>tensor-shape</c>, <c>safetensors-invalid</c>, <c>device-missing</c>.
    /// </exception>
    public static BaseModel Load(string folder, LoadOptions? options = null)
    {
        options ??= new LoadOptions();
        var architecture = ModelFamily.ReadFolder(folder, options.Task, options.Labels, options.ConfigFile);
        var compute = options.Compute == ComputeType.Auto ? ComputeChoice.ForThisMachine() : options.Compute;
        var type = compute == ComputeType.BF16 ? ScalarType.BFloat16 : ScalarType.Float32;
        var device = Devices.Open(options.Device);
        var weights = SafetensorsFolder.Open(folder);
        try
        {
            var reader = ReaderOf(weights, architecture, options, CPU);
            return new BaseModel(weights, new TransformerBuilder(architecture, reader, type, device).Build(), reader);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Checks that a folder can be loaded, by the names, types and shapes of its tensors: neither time nor memory of a load.
    /// </summary>
    /// <returns>What <see cref="MadeTensors"/> would be.</returns>
    /// <exception cref="FedLoraException">As <see cref="Load"/>.</exception>
    public static IReadOnlyList<string> Check(string folder, LoadOptions options)
    {
        var architecture = ModelFamily.ReadFolder(folder, options.Task, options.Labels, options.ConfigFile);
        LibtorchLoader.EnsureLoaded();
        var nowhere = new Device(DeviceType.META);
        using var weights = SafetensorsFolder.Open(folder);
        var reader = ReaderOf(weights, architecture, options, nowhere);
        new TransformerBuilder(architecture, reader, ScalarType.Float32, nowhere).Build().Dispose();
        return reader.Made;
    }

    /// <summary>The layout that LoRA settings give for this model.</summary>
    /// <exception cref="FedLoraException"><c>adapter-target-missing</c>.</exception>
    public AdapterLayout LayoutFor(PeftConfig config) => ModelLayout.For(Architecture, config);

    /// <summary>
    /// Sets what is folded into the base weights (methods that fold; the scale is in the factors): W = W0 + sum of B A, whatever was folded
    /// before.
    /// </summary>
    /// <param name="folds">A and B of each module, of any rank; none for the weights of the checkpoint.</param>
    /// <exception cref="FedLoraException"><c>tensor-missing</c>, <c>tensor-shape</c>, <c>tensor-not-finite</c>,
    /// <c>adapter-module-unknown</c>.</exception>
    public void SetFolds(IReadOnlyList<AdapterState> folds) => _folded.Set(folds);

    /// <inheritdoc/>
    public void Read(AdapterModule module, Span<float> matrix)
    {
        var found = Transformer.Find(module.Name) ?? throw AdapterBinding.Unknown(module.Name);
        using var scope = NewDisposeScope();
        var weight = found.Projection.WeightOf(found.Part).to(ScalarType.Float32).cpu().contiguous();
        weight.data<float>().CopyTo(matrix);
    }

    /// <summary>A tensor that is trained whole, as the model has it: a head's, or an embedding's.</summary>
    /// <exception cref="FedLoraException"><c>adapter-module-unknown</c>.</exception>
    public AdapterTensor ReadWhole(HeadTensor head)
    {
        var dot = head.Name.LastIndexOf('.');
        var slot = Transformer.Layers.FindEmbedding(head.Name)
            ?? (Transformer.Find(head.Name[..dot]) is not { Projection.Parts.Count: 1 } found ? null
                : head.Name[(dot + 1)..] == "bias" ? found.Projection.Bias : found.Projection.Weight);
        using var scope = NewDisposeScope();
        var values = (slot ?? throw AdapterBinding.Unknown(head.Name)).Value.to(ScalarType.Float32).cpu().contiguous();
        return new AdapterTensor($"base_model.model.{head.Name}", [.. head.Shape], values.data<float>().ToArray());
    }

    public void Dispose()
    {
        Transformer.Dispose();
        _weights.Dispose();
    }

    private static WeightReader ReaderOf(SafetensorsFolder weights, Architecture architecture, LoadOptions options, Device device) =>
        new(weights, architecture.Names, newHead: architecture.Task == ModelTask.Classification && options.Labels is not null, device);
}
