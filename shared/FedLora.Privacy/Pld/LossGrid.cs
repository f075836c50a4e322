namespace FedLora.Privacy.Pld;

/// <summary>
/// A pair of discrete measures whose log-ratio takes the values Origin + k Step only: mass Q[k] with the example, P[k] = Q[k] exp(-loss)
/// without. Both directions of neighbouring are read off the same grid.
/// </summary>
/// <param name="Origin">The loss of k = 0, in nats.</param>
/// <param name="Step">h, the distance of neighbouring losses.</param>
/// <param name="Q">The masses with the example.</param>
/// <param name="P">The masses without it.</param>
/// <param name="Infinite">Mass that has to be taken for an infinite loss; 0 in lower bounds, which drop it.</param>
internal sealed record LossGrid(double Origin, double Step, double[] Q, double[] P, double Infinite)
{
    /// <summary>The loss of grid point k.</summary>
    public double LossAt(int k) => Origin + k * Step;

    /// <summary>The other direction: losses change sign, the measures change places. Takes this grid's arrays over.</summary>
    public LossGrid Reversed()
    {
        Array.Reverse(Q);
        Array.Reverse(P);
        return new LossGrid(-LossAt(Q.Length - 1), Step, P, Q, Infinite);
    }
}
