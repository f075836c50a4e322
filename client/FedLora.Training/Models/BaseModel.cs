using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Training.Blocks;
using FedLora.Training.Lora;
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
    private BaseModel(string folder, Transformer transformer, IReadOnlyList<string> made) => (Folder, Transformer, MadeTensors) = (folder, transformer, made);

    public string Folder { get; }

    public Transformer Transformer { get; }

    public Architecture Architecture => Transformer.Architecture;

    /// <summary>Tensors of the head that the checkpoint lacks, so that they were started anew (the same on every machine).</summary>
    public IReadOnlyList<string> MadeTensors { get; }

    /// <summary>Loads a folder: <c>config.json</c> and <c>model.safetensors</c> or its shards.</summary>
    /// <exception cref="FedLoraException">
    /// <c>model-folder-missing</c>, <c>model-config-missing</c>, <c>model-config-invalid</c>, <c>model-architecture-unknown</c>, <c>model-task-unsupported</c>,
    /// <c>tensor-missing</c>, <c>tensor-shape</c>, <c>safetensors-invalid</c>, <c>device-missing</c>.
    /// </exception>
    public static BaseModel Load(string folder, LoadOptions? options = null)
    {
        options ??= new LoadOptions();
        var architecture = ModelFamily.ReadFolder(folder, options.Task, options.Labels, options.ConfigFile);
        using var weights = SafetensorsFolder.Open(folder);
        var reader = new WeightReader(weights, architecture.Names);
        var compute = options.Compute == ComputeType.Auto ? ComputeChoice.ForThisMachine() : options.Compute;
        var type = compute == ComputeType.BF16 ? ScalarType.BFloat16 : ScalarType.Float32;
        var transformer = new TransformerBuilder(architecture, reader, type, Devices.Open(options.Device)).Build();
        return new BaseModel(folder, transformer, reader.Made);
    }

    /// <summary>The layout that LoRA settings give for this model.</summary>
    /// <exception cref="FedLoraException"><c>adapter-target-missing</c>.</exception>
    public AdapterLayout LayoutFor(PeftConfig config) => ModelLayout.For(Architecture, config);

    /// <summary>Adds products of factors to the base weights for good: W += B A for every module (methods that fold; the scale is in the factors).</summary>
    /// <param name="fold">A and B of each module, of any rank.</param>
    /// <exception cref="FedLoraException">As <see cref="AdapterBinding"/>.</exception>
    public void Fold(AdapterState fold)
    {
        var modules = fold.Select(t => (Tensor: t, Key: AdapterKey.Parse(t.Name))).Where(t => t.Key.Factor == Factors.A)
            .Select(t => new AdapterModule(t.Key.Module, fold[new AdapterKey(t.Key.Module, Factors.B).Name].Rows, t.Tensor.Columns, t.Tensor.Rows, t.Tensor.Rows));
        using var binding = new AdapterBinding(Transformer, fold, new AdapterLayout([.. modules], 1, 1, []));
        binding.Merge();
    }

    /// <inheritdoc/>
    public void Read(AdapterModule module, Span<float> matrix)
    {
        var found = Transformer.Find(module.Name) ?? throw AdapterBinding.Unknown(module.Name);
        using var scope = NewDisposeScope();
        var weight = found.Projection.WeightOf(found.Part).to(ScalarType.Float32).cpu().contiguous();
        weight.data<float>().CopyTo(matrix);
    }

    public void Dispose() => Transformer.Dispose();
}
