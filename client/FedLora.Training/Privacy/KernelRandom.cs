using System.Runtime.InteropServices;

namespace FedLora.Training.Privacy;

/// <summary>getrandom(2).</summary>
internal static unsafe partial class KernelRandom
{
    private const int Interrupted = 4;

    /// <summary>Fills with random bytes; waits only until the kernel's generator is first seeded, at boot.</summary>
    /// <exception cref="FedLoraException"><c>randomness-missing</c>.</exception>
    public static void Fill(Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint got;
            fixed (byte* start = bytes)
                got = GetRandom(start, (nuint)bytes.Length, 0);
            // Long requests come in parts.
            if (got > 0)
                bytes = bytes[(int)got..];
            else if (Marshal.GetLastPInvokeError() is not Interrupted and var error)
                throw new FedLoraException("randomness-missing", $"The kernel gives no random numbers (error {error}).",
                    "Private training needs getrandom, which Linux has from 3.17 on; a sandbox may forbid it.");
        }
    }

    [LibraryImport("libc", EntryPoint = "getrandom", SetLastError = true)]
    private static partial nint GetRandom(byte* buffer, nuint length, uint flags);
}
