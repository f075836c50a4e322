using FedLora.Adapters;
using FedLora.Training.Blocks;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Lora;

/// <summary>DoRA as PEFT has it: W' = m (W + s B A) / || W + s B A ||, by rows. Used, not trained.</summary>
internal static class Dora
{
    /// <summary>Changes the weights of all adapted layers, for good.</summary>
    /// <param name="model">Without adapter.</param>
    /// <param name="state">A and B of every module.</param>
    /// <param name="layout">Its layout on this model.</param>
    /// <param name="magnitudes">m of every module, d_out long.</param>
    /// <exception cref="FedLoraException"><c>adapter-module-unknown</c>.</exception>
    public static void MergeInto(Transformer model, AdapterState state, AdapterLayout layout,
        IReadOnlyDictionary<string, float[]> magnitudes)
    {
        using var off = no_grad();
        foreach (var module in layout.Modules)
        {
            using var scope = NewDisposeScope();
            var (projection, part) = model.Find(module.Name) ?? throw AdapterBinding.Unknown(module.Name);
            if (projection.IsTied)
                projection.Untie();
            var weight = projection.WeightOf(part);
            var product = Put(Factors.B).mul(Held(layout.ScaleOf(module))).mm(Put(Factors.A));
            var merged = weight.to(ScalarType.Float32).SumWith(product);
            var lengths = merged.Squared().sum(1, keepdim: true).sqrt();
            var wanted = tensor(magnitudes[module.Name], device: model.Device).unsqueeze(1);
            weight.copy_(merged.div(lengths).mul(wanted));

            Tensor Put(Factors factor)
            {
                var source = state[new AdapterKey(module.Name, factor).Name];
                return tensor(source.Values, Array.ConvertAll(source.Shape, size => (long)size), device: model.Device);
            }
        }
    }
}
