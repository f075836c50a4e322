using System.Security.Cryptography;

namespace FedLora.Training.Privacy;

/// <summary>Where sampling and noise come from.</summary>
internal interface IRandomSource
{
    /// <summary>Whether nobody can foretell it.</summary>
    bool IsCryptographic { get; }

    /// <summary>Fills with uniform bytes.</summary>
    void Fill(Span<byte> bytes);
}

/// <summary>The operating system's generator: never seeded, never repeated.</summary>
internal sealed class CryptographicRandom : IRandomSource
{
    public static CryptographicRandom Instance { get; } = new();

    public bool IsCryptographic => true;

    public void Fill(Span<byte> bytes) => RandomNumberGenerator.Fill(bytes);
}

/// <summary>Keeps anything else out of the program.</summary>
internal static class RandomSources
{
    /// <summary>The switch that only the test projects set.</summary>
    public const string TestSwitch = "FedLora.Tests.AllowForeseeableRandomness";

    /// <summary>Refuses a source that can be foretold, outside tests.</summary>
    /// <exception cref="FedLoraException"><c>randomness-foreseeable</c>.</exception>
    public static IRandomSource Require(IRandomSource source) => source.IsCryptographic || (AppContext.TryGetSwitch(TestSwitch, out var on) && on)
        ? source
        : throw new FedLoraException("randomness-foreseeable", "Private training was given a generator that can be foretold.", "Noise that can be foretold protects nothing: use the operating system's generator.");

    /// <summary>Uniform numbers in [0, 1), 53 bits each.</summary>
    public static void Uniform(this IRandomSource source, Span<double> numbers)
    {
        Span<ulong> bits = stackalloc ulong[256];
        for (var start = 0; start < numbers.Length; start += bits.Length)
        {
            var piece = bits[..Math.Min(bits.Length, numbers.Length - start)];
            source.Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(piece));
            for (var i = 0; i < piece.Length; i++)
                numbers[start + i] = (piece[i] >> 11) * (1.0 / (1UL << 53));
        }
    }
}
