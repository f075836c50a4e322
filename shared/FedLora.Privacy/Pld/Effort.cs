namespace FedLora.Privacy.Pld;

/// <summary>
/// What may still be spent on grids, in points of transforms: a bound on the time of one question, counted, not clocked, so that the answer is the same on any machine. When
/// it is spent, grids of <see cref="Least"/> points go on: still proven, only wider.
/// </summary>
/// <param name="points">For the whole question.</param>
internal sealed class Effort(long points)
{
    /// <summary>A transform of this size is always affordable: tens of milliseconds.</summary>
    public const int Least = 1 << 14;

    private long left = points;

    /// <summary>For one epsilon: about 3 s.</summary>
    public static Effort OfOne() => new(3 << 20);

    /// <summary>For a search: about three times as much.</summary>
    public static Effort OfSearch() => new(5 << 21);

    /// <summary>The most points that the next transform may take.</summary>
    public long Most => Math.Max(Least, left);

    /// <summary>Takes away what was used.</summary>
    public void Use(long points) => left -= points;
}
