using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>The start of an adapter from a seed.</summary>
internal static class LoraInit
{
    /// <summary>
    /// Factors as PEFT starts them (A Kaiming-uniform, B zero, so the product is zero) and heads as transformers does (matrices with
    /// standard deviation 0.02, vectors zero). Where the base model has a head of its own, that replaces ours.
    /// </summary>
    public static AdapterState State(AdapterLayout layout, ulong seed) =>
        new([.. layout.Tensors(Factors.A | Factors.B).Select(t => Factor(t.Name, t.Shape, seed)), .. Heads(layout, seed)]);

    /// <summary>The head tensors alone.</summary>
    public static IEnumerable<AdapterTensor> Heads(AdapterLayout layout, ulong seed) => layout.Tensors(Factors.Head)
        .Select(
            t => new AdapterTensor(t.Name, t.Shape,
                t.Shape.Length > 1 ? Uniform(t.Shape, 0.02 * Math.Sqrt(3), seed, t.Name) : new float[AdapterTensor.Count(t.Shape)]));

    /// <summary>Kaiming-uniform with a = sqrt(5): uniform in (-1/sqrt(d_in), 1/sqrt(d_in)) (He et al. 2015; PEFT's default).</summary>
    public static float[] Kaiming(int[] shape, ulong seed, string purpose) => Uniform(shape, 1 / Math.Sqrt(shape[1]), seed, purpose);

    private static AdapterTensor Factor(string name, int[] shape, ulong seed) =>
        new(name, shape, AdapterKey.Parse(name).Factor == Factors.A ? Kaiming(shape, seed, name) : new float[AdapterTensor.Count(shape)]);

    private static float[] Uniform(int[] shape, double bound, ulong seed, string purpose)
    {
        var random = Random64.For(seed, purpose);
        var values = new float[AdapterTensor.Count(shape)];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(bound * random.Symmetric());
        return values;
    }
}
