using FedLora.Training.Kernels;
using FedLora.Training.Models;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>Self-attention over a packed batch: softmax(q k^T s + mask) v for every head of every example.</summary>
public sealed class Attention(AttentionShape shape, int? window, Projection input, Projection output, Norm? queryNorm, Norm? keyNorm)
    : IDisposable
{
    private readonly int _perKey = shape.Heads / shape.KeyValueHeads;

    public IEnumerable<Projection> Projections => [input, output];

    /// <summary>The type that it computes its products in.</summary>
    public ScalarType ProductType => input.Weight.Value.dtype;

    public IEnumerable<Norm> Norms => queryNorm is null ? [] : [queryNorm, keyNorm!];

    /// <summary>Attends.</summary>
    /// <param name="x">All rows x width.</param>
    /// <param name="pass">The pass.</param>
    /// <param name="at">Cosine and sine at each row; null where positions are learnt.</param>
    /// <param name="masks">Masks by length.</param>
    /// <param name="rows">The rows to answer for.</param>
    /// <param name="layer">Number of the layer, for the cache.</param>
    /// <returns>Chosen rows x width.</returns>
    public Tensor Forward(Tensor x, Pass pass, (Tensor Cosine, Tensor Sine)? at, AttentionMasks masks, RowSet rows, int layer)
    {
        using var scope = NewDisposeScope();
        var isFused = pass.Cache is null && shape.SoftCap is null && x.device_type == TorchSharp.DeviceType.CPU;
        var heads = input.Forward(x, pass, pass.Batch.Lengths, isFused && queryNorm is null ? ProductType : ScalarType.Float32);
        var all = isFused && HostMemory.CanRead(heads) ? Fused(heads, pass, at)
            : pass.Cache is { } cache && x.shape[0] == 1 && !is_grad_enabled() && HostMemory.CanRead(heads)
                ? Next(heads.view(1, -1, shape.HeadSize), cache, at, layer)
            : Stepwise(heads.view(x.shape[0], -1, shape.HeadSize), pass, at, masks, layer);
        return output.Forward(rows.Select(all), pass, rows.Counts).MoveToOuterDisposeScope();
    }

    private Tensor Fused(Tensor heads, Pass pass, (Tensor Cosine, Tensor Sine)? at)
    {
        if (queryNorm is not null)
        {
            var split = heads.view(heads.shape[0], -1, shape.HeadSize);
            heads = cat(
                [queryNorm.Forward(split.narrow(1, 0, shape.Heads)), keyNorm!.Forward(split.narrow(1, shape.Heads, shape.KeyValueHeads)),
                    split.narrow(1, shape.Heads + shape.KeyValueHeads, shape.KeyValueHeads)], 1);
        }
        var plan = new AttentionPlan(shape.Heads, shape.KeyValueHeads, shape.HeadSize, (float)shape.Scale, shape.Causal, window);
        return AttentionFunction.apply(heads, new AttentionFunction.Call(plan, pass.Batch.Groups, at));
    }

    /// <summary>One position after those that are kept, on the CPU.</summary>
    private Tensor Next(Tensor heads, KeyValueCache cache, (Tensor Cosine, Tensor Sine)? at, int layer)
    {
        var (query, key, value) = (heads.narrow(1, 0, shape.Heads), heads.narrow(1, shape.Heads, shape.KeyValueHeads),
            heads.narrow(1, shape.Heads + shape.KeyValueHeads, shape.KeyValueHeads));
        if (queryNorm is not null)
            (query, key) = (queryNorm.Forward(query), keyNorm!.Forward(key));
        if (at is { } turn)
        {
            DecodeKernel.Turn(query, turn.Cosine, turn.Sine);
            DecodeKernel.Turn(key, turn.Cosine, turn.Sine);
        }
        var (keys, values) = cache.Append(layer, key, value);
        var plan = new AttentionPlan(shape.Heads, shape.KeyValueHeads, shape.HeadSize, (float)shape.Scale, shape.Causal, window);
        return DecodeKernel.Run(plan, shape.SoftCap, query, keys, values);
    }

    /// <summary>Operation by operation: on a GPU, with a cache, with capped scores.</summary>
    private Tensor Stepwise(Tensor heads, Pass pass, (Tensor Cosine, Tensor Sine)? at, AttentionMasks masks, int layer)
    {
        var (query, key, value) = (heads.narrow(1, 0, shape.Heads), heads.narrow(1, shape.Heads, shape.KeyValueHeads),
            heads.narrow(1, shape.Heads + shape.KeyValueHeads, shape.KeyValueHeads));
        if (queryNorm is not null)
            (query, key) = (queryNorm.Forward(query), keyNorm!.Forward(key));
        if (at is { } turn)
        {
            if (queryNorm is not null)
                (query, key) = (Rotary.Turn(query, turn), Rotary.Turn(key, turn));
            else
            {
                var turned = Rotary.Turn(heads.narrow(1, 0, shape.Heads + shape.KeyValueHeads), turn);
                (query, key) = (turned.narrow(1, 0, shape.Heads), turned.narrow(1, shape.Heads, shape.KeyValueHeads));
            }
        }
        if (pass.Cache is { } cache)
            (key, value) = cache.Append(layer, key, value);
        var mixed = pass.Batch.Groups.Select(
            group => Group(query, key, value, group, pass.Cache is null ? 0 : (int)key.shape[0] - pass.Batch.Rows, masks)).ToArray();
        return mixed.Length == 1 ? mixed[0] : cat(mixed, 0);
    }

    /// <summary>The examples of one length; query heads that share a key stand below each other, so that keys are never repeated.</summary>
    private Tensor Group(Tensor query, Tensor key, Tensor value, LengthGroup group, int past, AttentionMasks masks)
    {
        using var scope = NewDisposeScope();
        var (count, length, all) = ((long)group.Count, (long)group.Length, (long)group.Length + past);
        var (pairs, rows) = (count * shape.KeyValueHeads, _perKey * length);
        var q = query.narrow(0, group.FirstRow, count * length).reshape(count, length, shape.KeyValueHeads, _perKey, shape.HeadSize)
            .permute(0, 2, 3, 1, 4).reshape(pairs, rows, shape.HeadSize);
        var (k, v) = (Keys(key), Keys(value));
        var mask = shape.Causal ? masks.For((int)length, past, _perKey, window) : null;
        var mixed = shape.SoftCap is { } cap
            ? Capped(q, k, mask, cap).softmax(-1).bmm(v)
            // Its own scale is that of the head size. In four dimensions, since libtorch's fused kernels want them.
            : nn.functional.scaled_dot_product_attention(q.mul(Held(shape.Scale * Math.Sqrt(shape.HeadSize))).unsqueeze(0), k.unsqueeze(0),
                v.unsqueeze(0), mask?.unsqueeze(0));
        return mixed.view(count, shape.KeyValueHeads, _perKey, length, shape.HeadSize).permute(0, 3, 1, 2, 4)
            .reshape(count * length, shape.Heads * shape.HeadSize).MoveToOuterDisposeScope();

        Tensor Keys(Tensor of) =>
            of.narrow(0, group.FirstRow, count * all).reshape(count, all, shape.KeyValueHeads, shape.HeadSize).permute(0, 2, 1, 3)
                .reshape(pairs, all, shape.HeadSize);
    }

    private Tensor Capped(Tensor q, Tensor k, Tensor? mask, double cap)
    {
        var capped = tanh(q.bmm(k.transpose(1, 2)).mul(Held(shape.Scale / cap))).mul(Held(cap));
        return mask is null ? capped : capped.SumWith(mask);
    }

    public void Dispose()
    {
        input.Dispose();
        output.Dispose();
        queryNorm?.Dispose();
        keyNorm?.Dispose();
    }
}
