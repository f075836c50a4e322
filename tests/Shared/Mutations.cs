using System.Diagnostics;
using System.Text;

namespace FedLora.Tests;

/// <summary>
/// What a parser may be sent: good bytes, changed, cut, lengthened, doubled a thousand times, or put together of several. Whatever they
/// are, it ends with a result or with its own refusal, in less than a second, and allocates no more than it may. Two thousand
/// cases for each parser; <c>FEDLORA_FUZZ_CASES=1000000</c> tries as many, <c>FEDLORA_FUZZ_SEED=2</c> others, <c>FEDLORA_LOG=FILE</c>
/// writes a line for each parser.
/// </summary>
internal static class Mutations
{
    private const int LongestShown = 6000;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);
    /// <summary>How many for each parser.</summary>
    internal static readonly int Cases = int.Parse(Environment.GetEnvironmentVariable("FEDLORA_FUZZ_CASES") ?? "2000");

    /// <summary>Of the random numbers.</summary>
    internal static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("FEDLORA_FUZZ_SEED") ?? "1");

    // Where numbers, names, brackets and lengths end.
    private static readonly byte[][] Words = [.. new[]
    {
        "0", "-1", "1e999", "NaN", "null", "true", "9223372036854775808", "2147483647", "18446744073709551615", "\"", "\"\"", "'", "{", "}",
        "[", "]", ":", ",", "\n", "\r\n", "\t", "  ", "- ", "&a ", "*a", "!!", "|", ">", "#", "%", "\\ud800", "\\", "../", "\u0000", "{{",
        "}}", "{%", "%}", "\uFFFD", "=", ".", "/",
    }.Select(Encoding.UTF8.GetBytes), [0xFF], [0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]];

    /// <summary>Tries a parser.</summary>
    /// <param name="name">For the log.</param>
    /// <param name="seeds">Good bytes: each is taken as it is.</param>
    /// <param name="mostBytes">So much may a case allocate, and a hundred times its own length.</param>
    /// <param name="parse">Throws a FedLoraException, a RefusedException, or nothing.</param>
    /// <param name="refusal">Whether another exception is a refusal too.</param>
    internal static void Try(string name, IReadOnlyList<byte[]> seeds, long mostBytes, Action<byte[]> parse,
        Func<Exception, bool>? refusal = null)
    {
        var tried = new Parser(parse, mostBytes, refusal ?? (_ => false));
        foreach (var seed in seeds)
            Assert.True(tried.Takes(seed), $"{name}: a good one is refused: {tried.Refusal}");
        var (random, taken, began) = (new Random(Seed), 0, Stopwatch.GetTimestamp());
        for (var i = 0; i < Cases; i++)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            taken += tried.Takes(Mutate(seeds, random)) ? 1 : 0;
        }

        Log($"{name}: {Cases} cases, {taken} taken, {Cases - taken} refused, at most {tried.Slowest:0.0} ms and "
            + $"{tried.Most / 1e6:0.00} MB for one, {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s in all");
        Assert.InRange(taken, 0, Cases - 1);
    }

    /// <summary>Writes a line where FEDLORA_LOG asks for it.</summary>
    internal static void Log(string line)
    {
        if (Environment.GetEnvironmentVariable("FEDLORA_LOG") is { } log)
            File.AppendAllLines(log, [line]);
    }

    /// <summary>One case.</summary>
    internal static byte[] Mutate(IReadOnlyList<byte[]> seeds, Random random)
    {
        var bytes = seeds[random.Next(seeds.Count)];
        for (var steps = random.Next(1, 5); steps > 0; steps--)
            bytes = Step(bytes, seeds, random);
        return bytes;
    }

    private static byte[] Step(byte[] bytes, IReadOnlyList<byte[]> seeds, Random random)
    {
        var at = random.Next(bytes.Length + 1);
        var part = bytes.AsSpan(at, Math.Min(random.Next(1, 40), bytes.Length - at)).ToArray();
        switch (random.Next(8))
        {
            case 0:
                return bytes[..at];
            case 1:
                return [.. bytes[..at], .. bytes[(at + part.Length)..]];
            case 2:
                return [.. bytes[..at], .. Words[random.Next(Words.Length)], .. bytes[at..]];
            case 3:
                return [.. bytes[..at], .. Words[random.Next(Words.Length)], .. bytes[(at + part.Length)..]];
            case 4:
                return [.. bytes[..at], .. part, .. bytes[at..]];
            case 5:
                var other = seeds[random.Next(seeds.Count)];
                return [.. bytes[..at], .. other[random.Next(other.Length)..]];
            case 6 when random.Next(8) == 0:
                return [.. bytes[..at], .. Enumerable.Repeat(random.Next(2) == 0 ? part : Words[random.Next(Words.Length)], 3000)
                    .SelectMany(repeated => repeated).Take(50_000), .. bytes[at..]];
            default:
                var changed = bytes.ToArray();
                for (var i = at; i < at + part.Length; i += random.Next(1, 20))
                    changed[i] = (byte)(random.Next(3) switch { 0 => changed[i] ^ (1 << random.Next(8)), 1 => random.Next(256), _ => 0 });
                return changed;
        }
    }

    private sealed class Parser(Action<byte[]> parse, long mostBytes, Func<Exception, bool> refusal)
    {
        internal double Slowest { get; private set; }

        internal long Most { get; private set; }

        internal string Refusal { get; private set; } = "";

        internal bool Takes(byte[] bytes)
        {
            // A machine that does something else meanwhile is not the parser's fault: three times in a row is.
            for (var attempt = 1; ; attempt++)
            {
                var (began, before) = (Stopwatch.GetTimestamp(), GC.GetAllocatedBytesForCurrentThread());
                var isTaken = IsTaken(bytes);
                var (took, allocated) = (Stopwatch.GetElapsedTime(began), GC.GetAllocatedBytesForCurrentThread() - before);
                Assert.True(allocated <= mostBytes + 100L * bytes.Length, $"{allocated} bytes were allocated for {Show(bytes)}");
                if (took > Longest && attempt < 3)
                    continue;
                Assert.True(took <= Longest, $"{took.TotalSeconds:0.0} s for {Show(bytes)}");
                (Slowest, Most) = (Math.Max(Slowest, took.TotalMilliseconds), Math.Max(Most, allocated));
                return isTaken;
            }
        }

        private bool IsTaken(byte[] bytes)
        {
            try
            {
                parse(bytes);
                return true;
            }
            catch (Exception error) when (error.GetType().Name is "FedLoraException" or "RefusedException" || refusal(error))
            {
                Refusal = error.Message;
                Assert.False(string.IsNullOrWhiteSpace(Refusal));
                return false;
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"{error.GetType().Name} for {Show(bytes)}", error);
            }
        }

        private static string Show(byte[] bytes) =>
            $"{bytes.Length} bytes, base64 {Convert.ToBase64String(bytes.AsSpan(0, Math.Min(bytes.Length, LongestShown)))}";
    }
}
