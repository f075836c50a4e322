using System.Security.Cryptography;
using System.Text;

namespace FedLora.Aggregation;

/// <summary>
/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers from the same seed on every machine and runtime. Not for secrets.
/// </summary>
internal sealed class Random64(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A generator of its own for each purpose, so that one tensor's numbers do not depend on another's.</summary>
    public static Random64 For(ulong seed, string purpose) =>
        new(BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}/{purpose}"))));

    public ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in [-1, 1).</summary>
    public double Symmetric() => ((Next() >> 11) * (2.0 / (1UL << 53))) - 1;
}
