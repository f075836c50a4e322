namespace FedLora.Privacy.Pld;

/// <summary>
/// What may still be spent on one question, in points of about a tenth of a microsecond of one core. A bound on time that is counted, not
/// clocked, so that the answer is the same on any machine. When it is spent, grids of <see cref="Least"/> points go on: still proven, only
/// wider.
/// </summary>
/// <param name="points">For the whole question.</param>
internal sealed class Effort(long points)
{
    /// <summary>So many points are always affordable: about 15 ms.</summary>
    public const int Least = 150_000;

    /// <summary>A point of a transform of two grids in both directions.</summary>
    public const double Transform = 1.2;

    /// <summary>A cell of both grids: two integrals, or a root of one, and two tilts.</summary>
    public const double Cell = 14;

    /// <summary>A panel of quadrature over the outputs, which the cells share where they are wide.</summary>
    public const double Panel = 18;

    /// <summary>One frequency raised to the power of a number of steps, for each mechanism.</summary>
    public const double Power = 0.8;

    /// <summary>One frequency in the sum for one epsilon.</summary>
    public const double Frequency = 0.15;

    /// <summary>A point of PRV's grid: its mass, transforms, a power.</summary>
    public const double Mass = 2.5;

    /// <summary>A point of quadrature at one Renyi order.</summary>
    public const double Order = 0.7;

    private const long One = 6_000_000;

    private long _left = points;
    private Effort? _whole;

    /// <summary>For one epsilon: about 0.6 s.</summary>
    public static Effort OfOne() => new(One);

    /// <summary>For a search: about 1.4 s.</summary>
    public static Effort OfSearch() => new(14_000_000);

    /// <summary>The most points that the next grids may take.</summary>
    public long Most => Math.Max(Least, _left);

    /// <summary>Whether only the least grids go on.</summary>
    public bool IsSpent => _left < Least;

    /// <summary>Whether one epsilon gets less than it would have alone.</summary>
    public bool IsShort => _left < One;

    /// <summary>
    /// For one epsilon of a search: no more than it would have alone, so that what the search found enough is found enough again.
    /// </summary>
    public Effort Share() => new(Math.Min(One, _left)) { _whole = this };

    /// <summary>Takes away what was used.</summary>
    public void Use(long points)
    {
        _left -= points;
        _whole?.Use(points);
    }
}
