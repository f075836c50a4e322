using System.Security.Cryptography;
using System.Text;
using FedLora.Adapters;
using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Models;

/// <summary>Reads a checkpoint's tensors under the names that the model gives them, whatever the checkpoint calls them.</summary>
/// <param name="folder">The checkpoint.</param>
/// <param name="names">The model's names.</param>
/// <param name="newHead">Whether a last layer of other classes than the model's is made anew instead of refused.</param>
/// <param name="device">Where tensors are put: the CPU, or <c>meta</c> to look at names and shapes alone.</param>
internal sealed class WeightReader(SafetensorsFolder folder, ModelNames names, bool newHead, Device device)
{
    private readonly List<string> _made = [];

    /// <summary>Head tensors that the checkpoint lacks, or has for other classes, and that were therefore made up.</summary>
    public IReadOnlyList<string> Made => _made;

    public Device Device => device;

    /// <summary>Whether the checkpoint has a tensor.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>The weight of a linear layer, d_out x d_in.</summary>
    /// <param name="name">The model's name for it.</param>
    /// <param name="dOut">Rows.</param>
    /// <param name="dIn">Columns.</param>
    /// <param name="transposed">Whether the checkpoint has it d_in x d_out.</param>
    public Tensor ReadLinear(string name, long dOut, long dIn, bool transposed) =>
        transposed ? Read(name, dIn, dOut).t() : Read(name, dOut, dIn);

    /// <summary>A tensor in float32.</summary>
    /// <param name="name">The model's name for it.</param>
    /// <param name="shape">The shape it must have.</param>
    /// <exception cref="FedLoraException"><c>tensor-missing</c> or <c>tensor-shape</c>.</exception>
    public Tensor Read(string name, params long[] shape)
    {
        if (Find(name) is not { } stored)
            return IsOfHead(name) ? Make(name, shape) : throw Missing(name);
        var file = folder.FileOf(stored);
        var entry = file.Entry(stored);
        if (newHead && !entry.Shape.AsSpan().SequenceEqual(shape) && name[..name.LastIndexOf('.')] == names.Head.Output)
            return Make(name, shape);
        if (!entry.Shape.AsSpan().SequenceEqual(shape))
            throw new FedLoraException("tensor-shape",
                $"The model in '{folder.Path}': tensor '{stored}' has shape [{string.Join(", ", entry.Shape)}] instead of "
                    + $"[{string.Join(", ", shape)}].", "Its config.json and its weights do not belong together.");
        var type = TypeOf(entry);
        if (device.type == DeviceType.META)
            return empty(shape, dtype: ScalarType.Float32, device: device);
        var raw = empty(shape, dtype: type);
        file.ReadBytes(stored, raw.bytes);
        if (type == ScalarType.Float32)
            return raw;
        using (raw)
            return raw.to(ScalarType.Float32);
    }

    /// <summary>The type of a weight.</summary>
    /// <exception cref="FedLoraException"><c>safetensors-dtype</c>.</exception>
    public ScalarType TypeOf(SafetensorsEntry entry) => entry.Dtype switch
    {
        SafetensorsDtype.F32 => ScalarType.Float32,
        SafetensorsDtype.F16 => ScalarType.Float16,
        SafetensorsDtype.BF16 => ScalarType.BFloat16,
        SafetensorsDtype.F64 => ScalarType.Float64,
        _ => throw new FedLoraException("safetensors-dtype",
            $"The model in '{folder.Path}': tensor '{entry.Name}' is of type {entry.Dtype}.",
            "Weights are read as F32, F16, BF16 or F64; quantised models are not supported."),
    };

    /// <summary>What the checkpoint calls a tensor; null where it has none.</summary>
    public string? Find(string name) => Spellings(name).FirstOrDefault(folder.Contains);

    private IEnumerable<string> Spellings(string name)
    {
        var there = names.Spellings.Aggregate(name,
            (text, spelling) => text.Replace(spelling.Here, spelling.There, StringComparison.Ordinal));
        var prefix = $"{names.Base}.";
        foreach (var spelling in new[] { name, there })
        {
            yield return spelling;
            if (spelling.StartsWith(prefix, StringComparison.Ordinal))
                yield return spelling[prefix.Length..];
        }
    }

    private bool IsOfHead(string name)
    {
        var module = name[..name.LastIndexOf('.')];
        return module == names.Head.Output || module == names.Head.Dense || module == names.Head.DenseNorm || name == names.Head.OutputBias;
    }

    /// <summary>
    /// Uniform with deviation 0.02, biases 0, norms 1: much as transformers starts a new head, but the same on every machine.
    /// </summary>
    private Tensor Make(string name, long[] shape)
    {
        _made.Add(name);
        if (device.type == DeviceType.META)
            return empty(shape, dtype: ScalarType.Float32, device: device);
        if (name.EndsWith(".bias", StringComparison.Ordinal))
            return zeros(shape);
        if (shape.Length == 1)
            return ones(shape);
        var random = new Random(BitConverter.ToInt32(SHA256.HashData(Encoding.UTF8.GetBytes(name))));
        var values = new float[shape.Aggregate(1L, (n, size) => n * size)];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(0.02 * Math.Sqrt(3) * ((2 * random.NextDouble()) - 1));
        return tensor(values, shape);
    }

    private FedLoraException Missing(string name) =>
        new("tensor-missing", $"The model in '{folder.Path}' has no tensor '{name}'.",
            "Its config.json and its weights do not belong together, or a file is missing.");
}
