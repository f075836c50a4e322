using System.Numerics.Tensors;
using FedLora.Adapters;

namespace FedLora.Compression;

/// <summary>
/// What travels in a round of sparse communication (CELLM, FLASC: Kuo et al. 2024, arXiv 2406.05233, as their code does it). With P the
/// server's weights of all tensors that a node trains, laid end to end:
/// down: P masked by the largest magnitudes, one mask for all; node: dense training from there to P_k; up: delta_k = P_k - masked P, masked
/// by its own largest magnitudes; server: P + delta_k stands for the node's weights. Entries that did not travel survive at the server.
/// </summary>
public static class SparseCommunication
{
    /// <summary>The masked tensors that the nodes start from, and how they lie end to end.</summary>
    /// <inheritdoc cref="SelectDown(VectorLayout, ReadOnlySpan{float}, double, bool)"/>
    public static (VectorLayout Layout, SparseVector Selected) SelectDown(AdapterState sent, double density, bool perFactor)
    {
        var layout = VectorLayout.Of(sent);
        return (layout, SelectDown(layout, layout.Flatten(sent), density, perFactor));
    }

    /// <summary>The masked weights that the nodes start from.</summary>
    /// <param name="layout">Of the tensors that are trained.</param>
    /// <param name="weights">P, of the layout's length.</param>
    /// <param name="density">Share that travels, in (0, 1].</param>
    /// <param name="perFactor">
    /// Take the share of each factor (A, B, R, head) by itself. Off, as the authors do it, one threshold holds for all: B, which starts at
    /// zero and stays small for some rounds, then hardly travels at low densities.
    /// </param>
    public static SparseVector SelectDown(VectorLayout layout, ReadOnlySpan<float> weights, double density, bool perFactor)
    {
        if (!perFactor)
            return SparseVector.Gather(weights, TopK.Select(weights, TopK.Count(weights.Length, density)));
        var indices = new List<int>();
        foreach (var factor in layout.Names.GroupBy(name => AdapterKey.Parse(name).Factor))
        {
            var places = factor.SelectMany(
                name => Enumerable.Range(layout.RangeOf(name).Start.Value,
                    layout.RangeOf(name).End.Value - layout.RangeOf(name).Start.Value)).ToArray();
            var own = SparseVector.Gather(weights, places).Values;
            indices.AddRange(TopK.Select(own, TopK.Count(own.Length, density)).Select(index => places[index]));
        }

        indices.Sort();
        return SparseVector.Gather(weights, [.. indices]);
    }

    /// <summary>
    /// The part of a node's change that travels. Under differential privacy the change is already private, so that selecting from it is
    /// post-processing and costs nothing.
    /// </summary>
    /// <param name="start">What the node began with.</param>
    /// <param name="trained">What it ended with.</param>
    /// <param name="density">Share that travels, in (0, 1].</param>
    /// <param name="residual">With error feedback, what earlier rounds left unsent; empty without.</param>
    /// <returns>The change to send, and what it leaves unsent if it arrives as it is.</returns>
    public static (SparseVector Change, float[] Residual) SelectUp(ReadOnlySpan<float> start, ReadOnlySpan<float> trained, double density,
        ReadOnlySpan<float> residual)
    {
        var change = new float[start.Length];
        TensorPrimitives.Subtract(trained, start, change);
        if (!residual.IsEmpty)
            TensorPrimitives.Add(change, residual, change);
        var sent = SparseVector.Gather(change, TopK.Select(change, TopK.Count(change.Length, density)));
        foreach (var index in sent.Indices)
            change[index] = 0;
        return (sent, change);
    }

    /// <summary>
    /// The change on the wire, and with error feedback what the server will lack of it: entries that do not travel, and what the format
    /// rounds off those that do.
    /// </summary>
    /// <param name="layout">Of the tensors that are sent.</param>
    /// <param name="format">How values are written.</param>
    /// <param name="seed">Of stochastic rounding.</param>
    /// <inheritdoc cref="SelectUp"/>
    /// <returns>The bytes, and what they leave unsent.</returns>
    public static (byte[] Bytes, float[] Residual) EncodeUp(VectorLayout layout, ReadOnlySpan<float> start, ReadOnlySpan<float> trained,
        double density, ReadOnlySpan<float> residual, ValueFormat format, ulong seed)
    {
        var (change, unsent) = SelectUp(start, trained, density, residual);
        var bytes = SparseCodec.Encode(change, format, layout.Digest.Span, seed);
        var arrives = SparseCodec.Decode(bytes, layout.Length, layout.Digest.Span);
        for (var i = 0; i < change.Count; i++)
            unsent[change.Indices[i]] = change.Values[i] - arrives.Values[i];
        return (bytes, unsent);
    }
}
