namespace FedLora.Simulations.Nodes;

/// <summary>What is drawn, so that no draw depends on another.</summary>
internal enum Draws
{
    Download,
    Upload,
    Step,
    Latency,
    Here,
    DropOut,
    Failure,
    Straggler,
    Moment,
    Back,
    View,
    Data,
}

/// <summary>
/// Numbers that follow from a seed, a node and an occasion alone: nothing is kept for a node, and the order of asking does not matter
/// (SplitMix64, Steele et al. 2014).
/// </summary>
internal static class Draw
{
    public static ulong Bits(ulong seed, Draws what, long node, long occasion = 0) =>
        Mix(Mix(Mix(Mix(seed) ^ (ulong)what) ^ (ulong)node) ^ (ulong)occasion);

    /// <summary>In [0, 1), 53 bits.</summary>
    public static double Uniform(ulong seed, Draws what, long node, long occasion = 0) =>
        (Bits(seed, what, node, occasion) >> 11) * (1.0 / (1UL << 53));

    /// <summary>N(0, 1), by Box and Muller.</summary>
    public static double Normal(ulong seed, Draws what, long node, long occasion = 0)
    {
        var bits = Bits(seed, what, node, occasion);
        var (u, v) = ((bits >> 11) * (1.0 / (1UL << 53)), (Mix(bits) >> 11) * (1.0 / (1UL << 53)));
        return Math.Sqrt(-2 * Math.Log(1 - u)) * Math.Cos(2 * Math.PI * v);
    }

    private static ulong Mix(ulong z)
    {
        z += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
