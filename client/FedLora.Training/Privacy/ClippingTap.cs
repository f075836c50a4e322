using FedLora.Training.Blocks;
using FedLora.Training.Kernels;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Privacy;

/// <summary>
/// Per-example gradient norms and their clipped sum from one backward pass (book-keeping: Bu et al. 2022, arXiv 2210.00038). A layer's
/// gradient of example i is s g_i^T a_i over its T rows. Where that is smaller than its factors it is formed, n x out x in, and used twice;
/// where 2 T^2 &lt;= out in, the factors are kept, and the squared norm is s^2 &lt;g g^T, a a^T&gt; (Li et al. 2021, arXiv 2110.05679, eq.
/// 3). Norms and sums are in double precision: what is clipped is what is added, to about 1e-9 of it.
/// </summary>
internal sealed class ClippingTap(int examples, Device device) : IGradientTap, IDisposable
{
    /// <summary>
    /// &lt;g g^T, a a^T&gt; is a sum of T^2 terms of both signs, which together are at most (sum_t |g_t| |a_t|)^2 =: S, and it errs by
    /// about (out + in + T^2) 2^-53 S. Above this share of S that is less than 1e-7 of it; below, the rows cancel each other and the
    /// gradient is formed before it is measured.
    /// </summary>
    private const double LeastGhost = 1e-4;

    private readonly Dictionary<Slot, Part> _parts = [];

    public void Product(Slot parameter, Tensor g, Tensor a, double scale, IReadOnlyList<int> rows)
    {
        using (g)
        using (a)
        using (var scope = NewDisposeScope())
        {
            var longest = rows.Max();
            var isSmall = longest > 1 && 2L * longest * longest > g.shape[1] * a.shape[1];
            if (!_parts.TryGetValue(parameter, out var known))
                _parts[parameter] = isSmall ? Part.Of(Form(g, a, scale, rows))
                    : Part.Of(g.to(ScalarType.Float32), a.to(ScalarType.Float32), scale, rows);
            else
                // Used at a second place: the gradients add up before their norm is taken.
                known.Add(known.Formed ?? Form(known.G!, known.A!, known.Scale, known.Rows!), Form(g, a, scale, rows));
        }
    }

    public void Sum(Slot parameter, Tensor g, IReadOnlyList<int> rows)
    {
        using (g)
        using (var scope = NewDisposeScope())
        {
            var ones = TorchSharp.torch.ones([g.shape[0], 1], dtype: ScalarType.Float32, device: device);
            var sums = FormByGroups(g.to(ScalarType.Float32), ones, 1, rows).squeeze(2);
            if (!_parts.TryGetValue(parameter, out var known))
                _parts[parameter] = Part.Of(sums);
            else
                known.Add(known.Formed!, sums);
        }
    }

    /// <summary>The norm of every example's gradient over all trained tensors, in packed order.</summary>
    public double[] Norms()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var squares = zeros([examples], dtype: ScalarType.Float64, device: device);
        var host = new List<Tensor>();
        foreach (var part in _parts.Values)
        {
            if (part.Formed is not { } formed)
                AddGhost(squares, part);
            else if (HostMemory.CanRead(formed))
                host.Add(formed);
            else
                squares.Plus(formed.reshape(examples, -1).to(ScalarType.Float64).Squared().sum(1));
        }
        if (host.Count > 0)
            squares.Plus(tensor(ExampleProducts.Squares(host, examples), device: device));
        return squares.clamp_min(Held(0)).sqrt().cpu().data<double>().ToArray();
    }

    /// <summary>Adds sum_i factor_i g_i.</summary>
    /// <param name="parameters">What is trained.</param>
    /// <param name="total">Float64, in the order of <see cref="ParameterSet.Gradient"/>: is added to.</param>
    /// <param name="factors">One for each example, in packed order.</param>
    public void AddWeighted(ParameterSet parameters, Tensor total, double[] factors)
    {
        using var off = no_grad();
        using var outer = NewDisposeScope();
        var host = new List<(Tensor Formed, Tensor Total)>();
        var offset = 0L;
        foreach (var (slot, gradient) in parameters.Entries)
        {
            var place = total.narrow(0, offset, gradient.numel()).view(gradient.shape);
            offset += gradient.numel();
            if (!_parts.TryGetValue(slot, out var part))
                continue;
            using var scope = NewDisposeScope();
            if (part.Formed is { } read && HostMemory.CanRead(read))
                host.Add((read, place));
            else if (part.Formed is { } formed)
            {
                var sum = tensor(factors, device: device).unsqueeze(0).mm(formed.reshape(examples, -1).to(ScalarType.Float64))
                    .reshape(formed.shape[1..]);
                place.Plus(sum.shape.AsSpan().SequenceEqual(place.shape) ? sum : sum.t());
            }
            else
                AddGhosts(place, part, factors);
        }
        ExampleProducts.AddWeighted(host, factors);
    }

    public void Dispose()
    {
        foreach (var part in _parts.Values)
            part.Dispose();
        _parts.Clear();
    }

    /// <summary>Every example's s g^T a: examples x out x in, or examples x in x out where out is the larger.</summary>
    private Tensor Form(Tensor g, Tensor a, double scale, IReadOnlyList<int> rows)
    {
        if (ExampleProducts.CanRead(g, a))
            return ExampleProducts.Form(g, a, scale, rows);
        var (wideG, wideA) = (g.to(ScalarType.Float32), a.to(ScalarType.Float32));
        return ExampleProducts.IsFlipped(g, a) ? FormByGroups(wideA, wideG, scale, rows) : FormByGroups(wideG, wideA, scale, rows);
    }

    private Tensor FormByGroups(Tensor g, Tensor a, double scale, IReadOnlyList<int> rows)
    {
        var formed = zeros([examples, g.shape[1], a.shape[1]], dtype: ScalarType.Float32, device: device);
        foreach (var (start, first, count, length) in Groups(rows))
        {
            using var scope = NewDisposeScope();
            var left = g.narrow(0, start, count * length).reshape(count, length, g.shape[1]).transpose(1, 2);
            formed.narrow(0, first, count).copy_(left.bmm(a.narrow(0, start, count * length).reshape(count, length, a.shape[1])));
        }
        return scale == 1 ? formed : formed.mul_(Held(scale));
    }

    private static void AddGhost(Tensor squares, Part part)
    {
        foreach (var (start, first, count, length) in Groups(part.Rows!))
        {
            using var scope = NewDisposeScope();
            var (g, a) = (Wide(part.G!, start, count, length), Wide(part.A!, start, count, length));
            var inner = g.bmm(g.transpose(1, 2)).mul_(a.bmm(a.transpose(1, 2))).reshape(count, -1).sum(1);
            var most = g.Squared().sum(2).mul_(a.Squared().sum(2)).sqrt_().sum(1).Squared();
            var cancelled = inner.lt(most.mul(Held(LeastGhost))).cpu().data<bool>().ToArray();
            for (var i = 0; i < count; i++)
            {
                if (!cancelled[i])
                    continue;
                inner[i] = g[i].t().mm(a[i]).Squared().sum();
                part.Cancelled.Add((int)first + i);
            }
            squares.narrow(0, first, count).Plus(inner.mul_(Held(part.Scale * part.Scale)));
        }
    }

    /// <summary>All at once, but for those whose rows cancel: they are formed as they were measured.</summary>
    private void AddGhosts(Tensor place, Part part, double[] factors)
    {
        var weights = part.Rows!.SelectMany(
            (count, i) => Enumerable.Repeat(part.Cancelled.Contains(i) ? 0 : factors[i] * part.Scale, count)).ToArray();
        place.Plus(
            part.G!.to(ScalarType.Float64).mul_(tensor(weights, device: device).unsqueeze(1)).t().mm(part.A!.to(ScalarType.Float64)));
        foreach (var (start, first, count, length) in Groups(part.Rows!))
        {
            for (var i = first; i < first + count; i++)
            {
                if (!part.Cancelled.Contains((int)i))
                    continue;
                using var scope = NewDisposeScope();
                var (g, a) = (Wide(part.G!, start + ((i - first) * length), 1, length)[0],
                    Wide(part.A!, start + ((i - first) * length), 1, length)[0]);
                place.Plus(g.t().mm(a).mul_(Held(factors[i] * part.Scale)));
            }
        }
    }

    private static Tensor Wide(Tensor rows, long start, long count, long length) =>
        rows.narrow(0, start, count * length).to(ScalarType.Float64).reshape(count, length, -1);

    /// <summary>Runs of examples with equally many rows: first row, first example, how many, rows of each.</summary>
    private static IEnumerable<(long Start, long First, long Count, long Length)> Groups(IReadOnlyList<int> rows)
    {
        long start = 0;
        for (var i = 0; i < rows.Count;)
        {
            var count = 1;
            while (i + count < rows.Count && rows[i + count] == rows[i])
                count++;
            if (rows[i] > 0)
                yield return (start, i, count, rows[i]);
            (start, i) = (start + ((long)count * rows[i]), i + count);
        }
    }

    /// <summary>One tensor's contribution: formed, or its factors.</summary>
    private sealed class Part : IDisposable
    {
        public Tensor? Formed { get; private set; }

        public Tensor? G { get; private set; }

        public Tensor? A { get; private set; }

        public double Scale { get; private init; } = 1;

        public IReadOnlyList<int>? Rows { get; private init; }

        /// <summary>Examples whose rows cancel each other, found when the norms are.</summary>
        public HashSet<int> Cancelled { get; } = [];

        public static Part Of(Tensor formed) => new() { Formed = formed.DetachFromDisposeScope() };

        /// <summary>Wrappers of its own: the callers' end with the call.</summary>
        public static Part Of(Tensor g, Tensor a, double scale, IReadOnlyList<int> rows) =>
            new() { G = g.alias().DetachFromDisposeScope(), A = a.alias().DetachFromDisposeScope(), Scale = scale, Rows = rows };

        public void Add(Tensor mine, Tensor other)
        {
            var sum = mine.SumWith(other).DetachFromDisposeScope();
            Dispose();
            Formed = sum;
        }

        public void Dispose()
        {
            Formed?.Dispose();
            G?.Dispose();
            A?.Dispose();
            (Formed, G, A) = (null, null, null);
        }
    }
}
