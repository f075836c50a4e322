using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>Weighted means of tensors over a round's updates, one update open at a time.</summary>
internal static class Averaging
{
    /// <summary>
    /// sum_k p_k T_k for every tensor T of the given factors, summed in float64 in node order and rounded once: the bytes depend on
    /// neither arrival order nor machine.
    /// </summary>
    public static AdapterState Mean(UpdateSet updates, AggregationOptions options, Factors factors, Factors sent, CancellationToken cancel)
    {
        var sums = options.Layout.Tensors(factors).Select(t => (t.Name, t.Shape, Sum: new double[AdapterTensor.Count(t.Shape)])).ToArray();
        var weights = updates.Weights(options.Method.Weighting);
        var buffer = new float[sums.Max(s => s.Sum.Length)];
        for (var k = 0; k < updates.Count; k++)
        {
            cancel.ThrowIfCancellationRequested();
            using var reader = updates[k].Open();
            options.Layout.Require(reader.Shapes, sent, $"The update of node '{updates[k].Node}'");
            foreach (var (name, _, sum) in sums)
            {
                var values = buffer.AsSpan(0, sum.Length);
                reader.ReadFinite(name, values, updates[k].Node);
                Vectors.AddScaled(weights[k], values, sum);
            }
        }
        return new AdapterState(sums.Select(s => new AdapterTensor(s.Name, s.Shape, Vectors.Round(s.Sum))));
    }

    /// <summary>Reads a tensor and refuses NaN and infinity.</summary>
    /// <exception cref="FedLoraException"><c>tensor-not-finite</c>, naming node and tensor.</exception>
    public static void ReadFinite(this IUpdateReader reader, string name, Span<float> values, string node)
    {
        reader.Read(name, values);
        if (!Vectors.IsFinite(values))
            throw new FedLoraException("tensor-not-finite", $"The update of node '{node}' holds NaN or infinity in tensor '{name}'.", "The node's training diverged: lower the learning rate, or leave this update out.");
    }
}
