using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>The frequencies j = 0 .. N/2 at which a composition's transform is not negligible, and a bound on all others together.</summary>
/// <param name="Size">N.</param>
/// <param name="Indices">The kept j, ascending.</param>
/// <param name="Dropped">A bound on the sum of |Phi_j| over the others, both signs of j.</param>
internal sealed record Frequencies(int Size, int[] Indices, double Dropped)
{
    /// <summary>Keeps what matters after at least these steps; more steps only make the rest smaller.</summary>
    public static Frequencies Select(IReadOnlyList<(Spectrum.Branch Branch, double Error)> parts, IReadOnlyList<long> atLeast, int size, double negligible)
    {
        var kept = new List<int>();
        double dropped = 0;
        for (var j = 0; j <= size / 2; j++)
        {
            double log = 0;
            for (var m = 0; m < parts.Count; m++)
                log += atLeast[m] * Math.Min(0, Elementary.LogAdd(parts[m].Branch.LogModulus[j], Math.Log(parts[m].Error)));
            if (log > negligible)
                kept.Add(j);
            else
                dropped += 2 * Math.Exp(log);
        }
        var indices = kept.ToArray();
        foreach (var (branch, _) in parts)
            branch.Keep(indices);
        return new Frequencies(size, indices, dropped);
    }
}
