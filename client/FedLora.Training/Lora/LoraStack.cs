using FedLora.Training.Blocks;
using FedLora.Training.Kernels;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Lora;

/// <summary>
/// The factors of all parts of a projection as two matrices, so that a fused projection costs one product of each kind: all A below each
/// other (R x d_in, R the sum of the ranks), and all s B R on the block diagonal of a d_out x R matrix.
/// </summary>
internal sealed class LoraStack
{
    private readonly Projection _projection;
    private readonly LinearPart[] _parts;
    private readonly Tensor _right;
    private readonly Tensor _left;
    private readonly bool _merged;

    private LoraStack(Projection projection, Tensor x, Tensor[] masks, bool mayMerge)
    {
        var weight = projection.Weight.Value;
        (_projection, Masks) = (projection, masks);
        _parts = [.. projection.Parts.Where(p => p.Lora is not null)];
        _right = cat(_parts.Select(p => p.Lora!.A.Value.detach()).ToArray(), 0).to(weight.dtype);
        _left = zeros([weight.shape[0], _right.shape[0]], dtype: ScalarType.Float32, device: weight.device);
        var column = 0L;
        foreach (var part in _parts)
        {
            _left.narrow(0, part.Offset, part.DOut).narrow(1, column, part.Lora!.Rank).copy_(LoraProduct.Left(part.Lora));
            column += part.Lora.Rank;
        }
        _left = _left.to(weight.dtype);
        var (rows, dOut, dIn) = (x.shape[0], weight.shape[0], weight.shape[1]);
        _merged = mayMerge && masks.Length == 0 && weight.dtype == ScalarType.Float32 && rows * (dOut + dIn) > dOut * dIn;
    }

    /// <summary>One mask of zeros and 1 / (1 - p) for each part, where dropout is on.</summary>
    public Tensor[] Masks { get; }

    /// <summary>Builds it for a forward pass; null where no part has factors.</summary>
    public static LoraStack? Build(Projection projection, Tensor x, Pass pass, bool mayMerge = true) =>
        Build(projection, x, MakeMasks(projection, x, pass), mayMerge);

    /// <summary>Builds it again for the backward pass.</summary>
    /// <param name="projection">The layer.</param>
    /// <param name="x">Its input.</param>
    /// <param name="masks">The masks of the forward pass.</param>
    /// <param name="mayMerge">Whether the factors may be multiplied out into the weight where that is faster.</param>
    public static LoraStack? Build(Projection projection, Tensor x, Tensor[] masks, bool mayMerge = true) =>
        projection.Parts.Any(p => p.Lora is not null) ? new LoraStack(projection, x, masks, mayMerge) : null;

    /// <summary>Adds the factors' part alone, s (x A^T) (B R)^T, to y.</summary>
    public void AddForward(Tensor x, Tensor y)
    {
        var h = Reduce(x);
        if (y.dtype == h.dtype)
            y.AddTimes(h, _left.t());
        else
            y.Plus(h.mm(_left.t()));
    }

    /// <summary>As <see cref="Backward"/>, but adds the factors' part alone, u A, to dL/dx where that is wanted.</summary>
    public void AddBackward(Tensor g, Tensor x, GradientSink sink, Tensor? dx)
    {
        var u = BackwardFactors(g, x, sink);
        if (dx is not null)
            AddInput(dx, u);
    }

    /// <summary>y, rows x d_out of a type.</summary>
    public Tensor Forward(Tensor x, ScalarType result)
    {
        if (_merged)
            return Products.Linear(x, Merged(), _projection.Bias?.Value.detach());
        var weight = _projection.Weight.Value.detach();
        // Narrow types: [x h] [W L]^T adds both products in the accumulator and is rounded once.
        if (weight.dtype != ScalarType.Float32)
            return _projection.Biased(cat([x, Reduce(x)], 1).mm(cat([weight, _left], 1).t()), result);
        var y = x.Times(weight.t()).AddTimes(Reduce(x), _left.t());
        return _projection.Bias is { } bias ? y.Plus(bias.Value.detach()) : y;
    }

    /// <summary>dL/dx, or null where it is not wanted; the factors' gradients go to the sink.</summary>
    /// <param name="g">rows x d_out: gradient by y.</param>
    /// <param name="x">rows x d_in: the input.</param>
    /// <param name="sink">Takes the gradients of the factors.</param>
    /// <param name="needsInput">Whether dL/dx is wanted.</param>
    public Tensor? Backward(Tensor g, Tensor x, GradientSink sink, bool needsInput)
    {
        var u = BackwardFactors(g, x, sink);
        return needsInput ? BackwardInput(g, u) : null;
    }

    /// <summary>Hands the factors' gradients to the sink; returns u = g (s B R), rows x R.</summary>
    private Tensor BackwardFactors(Tensor g, Tensor x, GradientSink sink)
    {
        var u = g.Times(_left);
        if (!sink.IsTapped && Masks.Length == 0)
        {
            BackwardTogether(g, x, u, sink);
            return u;
        }
        var h = _parts.Any(p => p.Lora!.B.IsTrainable || p.Lora.R is { IsTrainable: true }) ? Reduce(x) : null;
        var column = 0L;
        for (var i = 0; i < _parts.Length; i++)
        {
            var (part, lora) = (_parts[i], _parts[i].Lora!);
            if (lora.A.IsTrainable)
                sink.Product(lora.A, u.narrow(1, column, lora.Rank), Dropped(x, i), 1);
            if (h is not null)
                BackwardLeft(part, lora, g.narrow(1, part.Offset, part.DOut), h.narrow(1, column, lora.Rank), sink);
            column += lora.Rank;
        }
        return u;
    }

    /// <summary>
    /// Where all parts saw the same input, two products serve them all: u^T x holds every dL/dA; with M = s g^T h of a part
    /// dL/dB = M R^T, dL/dR = B^T M.
    /// </summary>
    private void BackwardTogether(Tensor g, Tensor x, Tensor u, GradientSink sink)
    {
        var right = _parts.Any(p => p.Lora!.A.IsTrainable) ? u.t().Times(x) : null;
        var left = _parts.Any(p => p.Lora!.B.IsTrainable || p.Lora.R is { IsTrainable: true }) ? g.t().Times(Reduce(x)) : null;
        var column = 0L;
        foreach (var part in _parts)
        {
            var lora = part.Lora!;
            if (lora.A.IsTrainable)
                sink.Add(lora.A, right!.narrow(0, column, lora.Rank), 1);
            var mine = left?.narrow(0, part.Offset, part.DOut).narrow(1, column, lora.Rank).to(ScalarType.Float32);
            if (lora.B.IsTrainable)
                sink.Add(lora.B, lora.R is null ? mine! : mine!.mm(lora.R.Value.detach().t()), lora.Scale);
            if (lora.R is { IsTrainable: true } r)
                sink.Add(r, lora.B.Value.detach().t().mm(mine!), lora.Scale);
            column += lora.Rank;
        }
    }

    private static void BackwardLeft(LinearPart part, LoraFactors lora, Tensor g, Tensor h, GradientSink sink)
    {
        if (lora.B.IsTrainable)
            sink.Product(lora.B, g, lora.R is null ? h : h.mm(lora.R.Value.detach().to(h.dtype).t()), lora.Scale);
        if (lora.R is { IsTrainable: true } r)
            sink.Product(r, g.mm(lora.B.Value.detach().to(g.dtype)), h, lora.Scale);
    }

    private Tensor BackwardInput(Tensor g, Tensor u)
    {
        if (_merged)
            return g.Times(Merged());
        return AddInput(g.Times(_projection.Weight.Value.detach()), u);
    }

    private Tensor AddInput(Tensor dx, Tensor u)
    {
        if (Masks.Length == 0)
            return dx.AddTimes(u, _right);
        var column = 0L;
        for (var i = 0; i < _parts.Length; i++)
        {
            var rank = _parts[i].Lora!.Rank;
            dx.Plus(u.narrow(1, column, rank).mm(_right.narrow(0, column, rank)).mul_(Masks[i]));
            column += rank;
        }
        return dx;
    }

    /// <summary>W + sum over parts of s B R A.</summary>
    private Tensor Merged() => _projection.Weight.Value.detach().clone().AddTimes(_left, _right);

    /// <summary>h = x A^T for all parts, rows x R.</summary>
    private Tensor Reduce(Tensor x)
    {
        if (Masks.Length == 0)
            return x.Times(_right.t());
        var column = 0L;
        var parts = new Tensor[_parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            parts[i] = Dropped(x, i).mm(_right.narrow(0, column, _parts[i].Lora!.Rank).t());
            column += _parts[i].Lora!.Rank;
        }
        return cat(parts, 1);
    }

    private Tensor Dropped(Tensor x, int part) => Masks.Length == 0 ? x : x.mul(Masks[part]);

    private static Tensor[] MakeMasks(Projection projection, Tensor x, Pass pass)
    {
        var adapted = projection.Parts.Where(p => p.Lora is not null).ToArray();
        if (pass.Dropout is null || adapted.All(p => p.Lora!.Dropout == 0))
            return [];
        return [
            .. adapted.Select(
                p => bernoulli(full(x.shape, Held(1 - p.Lora!.Dropout), ScalarType.Float32, x.device), pass.Dropout)
                    .div_(Held(1 - p.Lora.Dropout))
                    .to(x.dtype))];
    }
}
