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

    private double[] _logs;

    /// <param name="size">N.</param>
    public Frequencies(int size)
    {
        Size = size;
        Indices = [.. Enumerable.Range(0, size / 2 + 1)];
        _logs = new double[Indices.Length];
    }

    /// <summary>N.</summary>
    public int Size { get; }

    /// <summary>The kept j, ascending.</summary>
    public int[] Indices { get; private set; }

    /// <summary>A bound on the sum of |Phi_j| over the others, both signs of j.</summary>
    public double Dropped { get; private set; }

    /// <summary>
    /// Forgets, without a logarithm, what one more mechanism surely makes negligible: |phi_j| + error below exp(2 Negligible / its steps).
    /// Most frequencies go here.
    /// </summary>
    /// <param name="re">The mechanism's transform, see <see cref="Spectrum.TwiceAt"/>.</param>
    /// <param name="im">Imaginary parts.</param>
    /// <param name="isSecond">Which of the two grids in it.</param>
    /// <param name="error">A bound on the rounding error of every phi_j.</param>
    /// <param name="atLeast">No fewer of its steps will be asked about.</param>
    /// <returns>Which places of the old <see cref="Indices"/> are kept.</returns>
    public int[] Living(double[] re, double[] im, bool isSecond, double error, long atLeast)
    {
        var least = 2 * (Math.Exp(2 * Negligible / atLeast) - error);
        var places = new List<int>();
        for (var i = 0; i < Indices.Length; i++)
        {
            var (x, y) = Spectrum.TwiceAt(re, im, isSecond, Indices[i]);
            if (least > 0 && x * x + y * y < least * least)
                Dropped += 2 * Math.Exp(2 * Negligible + 1);
            else
                places.Add(i);
        }
        return Keep([.. places]);
    }

    /// <summary>Takes one more mechanism in and forgets what has died out after <paramref name="atLeast"/> of its steps.</summary>
    /// <param name="logModulus">Its log |phi_j| at the kept j.</param>
    /// <param name="error">A bound on the rounding error of every phi_j.</param>
    /// <param name="atLeast">No fewer of its steps will be asked about.</param>
    /// <returns>Which places of the old <see cref="Indices"/> are kept.</returns>
    public int[] Multiply(double[] logModulus, double error, long atLeast)
    {
        var (kept, logError) = (new int[Indices.Length], Math.Log(error));
        var count = 0;
        for (var i = 0; i < _logs.Length; i++)
        {
            _logs[i] += atLeast * Math.Min(0, Elementary.LogAdd(logModulus[i], logError));
            if (_logs[i] > Negligible)
                kept[count++] = i;
            else
                Dropped += 2 * Math.Exp(_logs[i]);
        }
        return Keep(kept.AsSpan(0, count).ToArray());
    }

    private int[] Keep(int[] places)
    {
        if (places.Length < Indices.Length)
            (Indices, _logs) = (Array.ConvertAll(places, i => Indices[i]), Array.ConvertAll(places, i => _logs[i]));
        return places;
    }
}
