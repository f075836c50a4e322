using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// The frequencies j = 0 .. N/2 at which a composition's transform is not negligible, and a bound on all others together. Mechanisms come
/// one by one; what has died out is forgotten at once, since more of them only make it smaller.
/// </summary>
internal sealed class Frequencies
{
    /// <summary>Frequencies with |phi_1^T_1 phi_2^T_2 ...| below exp of this are left out and bounded.</summary>
    private const double Negligible = -50;

    private double[] logs;

    /// <param name="size">N.</param>
    public Frequencies(int size)
    {
        Size = size;
        Indices = [.. Enumerable.Range(0, size / 2 + 1)];
        logs = new double[Indices.Length];
    }

    /// <summary>N.</summary>
    public int Size { get; }

    /// <summary>The kept j, ascending.</summary>
    public int[] Indices { get; private set; }

    /// <summary>A bound on the sum of |Phi_j| over the others, both signs of j.</summary>
    public double Dropped { get; private set; }

    /// <summary>Takes one more mechanism in and forgets what has died out after <paramref name="atLeast"/> of its steps.</summary>
    /// <param name="logModulus">Its log |phi_j| at the kept j.</param>
    /// <param name="error">A bound on the rounding error of every phi_j.</param>
    /// <param name="atLeast">No fewer of its steps will be asked about.</param>
    /// <returns>Which places of the old <see cref="Indices"/> are kept.</returns>
    public int[] Multiply(double[] logModulus, double error, long atLeast)
    {
        var (kept, logError) = (new int[Indices.Length], Math.Log(error));
        var count = 0;
        for (var i = 0; i < logs.Length; i++)
        {
            logs[i] += atLeast * Math.Min(0, Elementary.LogAdd(logModulus[i], logError));
            if (logs[i] > Negligible)
                kept[count++] = i;
            else
                Dropped += 2 * Math.Exp(logs[i]);
        }
        var places = kept.AsSpan(0, count).ToArray();
        (Indices, logs) = (Array.ConvertAll(places, i => Indices[i]), Array.ConvertAll(places, i => logs[i]));
        return places;
    }
}
