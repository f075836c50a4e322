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

/// <summary>
/// The kernel's generator, asked for every single byte. The one that comes with .NET on Linux is OpenSSL's: it lives in the process and is
/// reseeded rarely, so that a machine that is copied while it runs draws the same noise in both copies, and the difference of two updates
/// would have none.
/// </summary>
internal sealed class CryptographicRandom : IRandomSource
{
    public static CryptographicRandom Instance { get; } = new();

    public bool IsCryptographic => true;

    public void Fill(Span<byte> bytes)
    {
        if (OperatingSystem.IsLinux())
            KernelRandom.Fill(bytes);
        else
            RandomNumberGenerator.Fill(bytes);
    }
}

/// <summary>Keeps anything else out of the program.</summary>
internal static class RandomSources
{
    /// <summary>The switch that only the test projects set.</summary>
    public const string TestSwitch = "FedLora.Tests.AllowForeseeableRandomness";

    /// <summary>Refuses a source that can be foretold, outside tests and simulations.</summary>
    /// <exception cref="FedLoraException"><c>randomness-foreseeable</c>.</exception>
    public static IRandomSource Require(IRandomSource source) =>
        source.IsCryptographic || source is SimulatedRandom || (AppContext.TryGetSwitch(TestSwitch, out var on) && on)
            ? source
            : throw new FedLoraException("randomness-foreseeable", "Private training was given a generator that can be foretold.",
                "Noise that can be foretold protects nothing: use the kernel's generator.");

    /// <summary>Uniform numbers in [0, 1), 53 bits each.</summary>
    public static void Uniform(this IRandomSource source, Span<double> numbers)
    {
        Span<ulong> bits = stackalloc ulong[512];
        for (var start = 0; start < numbers.Length; start += bits.Length)
        {
            var piece = bits[..Math.Min(bits.Length, numbers.Length - start)];
            source.Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(piece));
            for (var i = 0; i < piece.Length; i++)
                numbers[start + i] = (piece[i] >> 11) * (1.0 / (1UL << 53));
        }
    }
}
