using FedLora.Training.Kernels;
using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>The norms of a block, as <see cref="NormPlacement"/> places them.</summary>
/// <param name="AttentionAfter">Only with <see cref="NormPlacement.Sandwich"/>.</param>
/// <param name="FeedForwardAfter">Only with <see cref="NormPlacement.Sandwich"/>.</param>
public sealed record BlockNorms(Norm Attention, Norm FeedForward, Norm? AttentionAfter = null, Norm? FeedForwardAfter = null)
{
    public IEnumerable<Norm> All => new[] { Attention, FeedForward, AttentionAfter, FeedForwardAfter }.OfType<Norm>();
}

/// <summary>One block of a transformer: attention and feed-forward, each with a residual connection.</summary>
public sealed class Block(NormPlacement placement, Attention attention, FeedForward feedForward, BlockNorms norms) : IDisposable
{
    public IEnumerable<Projection> Projections => [.. attention.Projections, .. feedForward.Projections];

    public IEnumerable<Norm> Norms => [.. norms.All, .. attention.Norms];

    /// <summary>Chosen rows x width.</summary>
    /// <param name="x">All rows x width.</param>
    public Tensor Forward(Tensor x, Pass pass, (Tensor, Tensor)? at, AttentionMasks masks, RowSet rows, int layer)
    {
        using var scope = NewDisposeScope();
        if (placement == NormPlacement.Post)
        {
            var attended = attention.Forward(x, pass, at, masks, rows, layer);
            var middle = norms.Attention.Forward(rows.Select(x).SumWith(attended));
            return norms.FeedForward.Forward(middle.SumWith(feedForward.Forward(middle, pass, rows.Counts))).MoveToOuterDisposeScope();
        }
        var mixed = attention.Forward(norms.Attention.Forward(x, attention.ProductType), pass, at, masks, rows, layer);
        var between = rows.Select(x).SumWith(norms.AttentionAfter?.Forward(mixed) ?? mixed);
        var fed = feedForward.Forward(norms.FeedForward.Forward(between, feedForward.ProductType), pass, rows.Counts);
        return between.SumWith(norms.FeedForwardAfter?.Forward(fed) ?? fed).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        attention.Dispose();
        feedForward.Dispose();
        foreach (var norm in norms.All)
            norm.Dispose();
    }
}
