namespace FedLora.Privacy.Pld;

/// <summary>How one direction's computation is steered: no bound rests on it.</summary>
/// <param name="Parts">The cumulants of the mechanisms in this direction and the steps to build for.</param>
/// <param name="Saddle">The estimate of its epsilon.</param>
/// <param name="Up">How far above its mean the tilted sum of losses reaches, and the further tilt that bounds what lies beyond.</param>
/// <param name="Down">The same below.</param>
internal sealed record Course(IReadOnlyList<(Cumulants Kappa, long Steps)> Parts, Saddle Saddle, (double Distance, double Tilt) Up,
    (double Distance, double Tilt) Down)
{
    // exp(-20) beside the tail's own weight, which is about 1/(t s) where t is the tilt and s the deviation: epsilon moves by about 1e-9 of
    // itself.
    private const double Exponent = 20;

    /// <summary>Steers by an estimate.</summary>
    public static Course By(IReadOnlyList<(Cumulants Kappa, long Steps)> parts, Saddle saddle)
    {
        var exponent = Exponent + Math.Log(1 + saddle.Tilt * saddle.Deviation);
        return new Course(parts, saddle, saddle.Reach(parts, 1, exponent), saddle.Reach(parts, -1, exponent));
    }

    /// <summary>The transform size that a grid step asks for.</summary>
    public double SizeFor(double step) => Math.Ceiling((Up.Distance + Down.Distance) / step) + 8;
}
