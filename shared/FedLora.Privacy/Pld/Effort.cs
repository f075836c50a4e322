namespace FedLora.Privacy.Pld;

/// <summary>
/// What may still be spent on one question, in points: of transforms, of grids and of the analysis before them, each about a microsecond. A
/// bound on time that is counted, not clocked, so that the answer is the same on any machine. When it is spent, grids of
/// <see cref="Least"/> points go on: still proven, only wider.
/// </summary>
/// <param name="points">For the whole question.</param>
internal sealed class Effort(long points)
{
    /// <summary>So many points are always affordable: tens of milliseconds.</summary>
    public const int Least = 1 << 14;

    private const long One = 3 << 20;

    private long left = points;
    private Effort? whole;

    /// <summary>For one epsilon: about 3 s.</summary>
    public static Effort OfOne() => new(One);

    /// <summary>For a search: about 5 s.</summary>
    public static Effort OfSearch() => new(5 << 20);

    /// <summary>The most points that the next grids may take.</summary>
    public long Most => Math.Max(Least, left);

    /// <summary>Whether only the least grids go on.</summary>
    public bool IsSpent => left < Least;

    /// <summary>Whether one epsilon gets less than it would have alone.</summary>
    public bool IsShort => left < One;

    /// <summary>
    /// For one epsilon of a search: no more than it would have alone, so that what the search found enough is found enough again.
    /// </summary>
    public Effort Share() => new(Math.Min(One, left)) { whole = this };

    /// <summary>Takes away what was used.</summary>
    public void Use(long points)
    {
        left -= points;
        whole?.Use(points);
    }
}
