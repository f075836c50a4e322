using System.Buffers;
using System.Runtime.CompilerServices;
using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <content>Sums of tensors over nodes.</content>
internal sealed partial class Round
{
    /// <summary>Entries of a sum that are worked on at a time, 16 KiB.</summary>
    private const int Piece = 2048;

    // Sums of tensors over nodes, in float64 and in node order: the bytes depend on neither arrival order nor machine. Some tensors make a
    // unit, which is handed on whole and lasts for that call; with probes it is a module. Few updates are open at a time; with no more
    // nodes than that, a sum stays in the nearer caches from its first node to its last.
    private void Accumulate((string Name, int[] Shape)[][] units, Action<int, double[][]> done, ErrorProbes? probes = null)
    {
        for (var (start, end) = (0, 0); start < units.Length; start = end)
        {
            var held = 0L;
            do
                held += Count <= MostOpen ? 0
                    : (8L * units[end].Sum(t => (long)AdapterTensor.Count(t.Shape))) + (probes?.Bytes(Layout.Modules[end]) ?? 0);
            while (++end < units.Length && held < MostHeld);
            var (first, sums) = (start, new double[end - start][][]);
            PerFew(0..Count, sums.Length, (i, readers, from) =>
            {
                var unit = units[first + i];
                sums[i] ??= [.. unit.Select(t => ArrayPool<double>.Shared.Rent(AdapterTensor.Count(t.Shape)))];
                if (probes is null)
                {
                    for (var t = 0; t < unit.Length; t++)
                        Add(sums[i][t], unit[t], readers, from);
                }
                else
                    Add(sums[i], unit, readers, from, probes, first + i);
                if (from + readers.Count < Count)
                    return;
                done(first + i, sums[i]);
                foreach (var sum in sums[i])
                    ArrayPool<double>.Shared.Return(sum);
            });
        }
    }

    // What does not lie in memory comes there from one update at a time: a head's tensor may be as large as a model's.
    private void Add(double[] sum, (string Name, int[] Shape) tensor, List<IUpdateReader> readers, int from)
    {
        var few = readers.TrueForAll(reader => reader.InPlace(tensor.Name) is not null) ? readers.Count : 1;
        for (var i = 0; i < readers.Count; i += few)
        {
            using var values = new OpenTensors(readers.GetRange(i, few), [tensor]);
            Add(sum.AsSpan(0, AdapterTensor.Count(tensor.Shape)), values[0], tensor.Name, from + i);
        }
    }

    // A module's thin factors are needed twice, and so are read at once.
    private void Add(double[][] sums, (string Name, int[] Shape)[] tensors, List<IUpdateReader> readers, int from, ErrorProbes probes,
        int place)
    {
        using var values = new OpenTensors(readers, tensors);
        for (var t = 0; t < tensors.Length; t++)
            Add(sums[t].AsSpan(0, AdapterTensor.Count(tensors[t].Shape)), values[t], tensors[t].Name, from);
        var module = Layout.Modules[place];
        var (a, b) = (Place(Factors.A), Place(Factors.B));
        for (var i = 0; i < readers.Count; i++)
            probes.Add(place, Weights[from + i] * Layout.ScaleOf(module), Values(b, Factors.B, i), Values(a, Factors.A, i));

        int Place(Factors factor) => Array.FindIndex(tensors, t => t.Name == Products.Key(module, factor));

        ReadOnlySpan<float> Values(int tensor, Factors factor, int reader) =>
            tensor < 0 ? _global[Products.Key(module, factor)].Values : values[tensor][reader].Span;
    }

    // A piece of the sum stays in the nearest cache from the first update, before which it is made zero, to the last: each entry sees the
    // same steps in the same order.
    // Weights are above 0 and at most 1, so that a sum is finite if all its updates are.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Add(Span<double> sum, ReadOnlyMemory<float>[] updates, string name, int from)
    {
        for (var start = 0; start < sum.Length; start += Piece)
        {
            var piece = sum.Slice(start, Math.Min(Piece, sum.Length - start));
            if (from == 0)
                piece.Clear();
            Vectors.AddScaled(Weights.AsSpan(from), updates, start, piece);
            if (Vectors.IsFinite(piece))
                continue;
            for (var i = 0; i < updates.Length; i++)
                RequireFinite(updates[i].Span, from + i, name);
        }
    }
}
