using System.Globalization;

namespace Grpc.Net.Internal;

/// <summary>grpc-timeout: at most eight digits and a unit (H, M, S, m, u, n).</summary>
internal static class Timeouts
{
    /// <summary>The longest time that the header can say in seconds; also what longer deadlines are cut to.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(99_999_999);

    /// <summary>Rounded up to the next millisecond, from a day on to the next second; "1n" for a deadline that has passed.</summary>
    public static string Encode(TimeSpan timeout)
    {
        if (timeout <= TimeSpan.Zero) return "1n";
        if (timeout > Longest) timeout = Longest;
        return timeout < TimeSpan.FromDays(1)
            ? string.Create(CultureInfo.InvariantCulture, $"{(timeout.Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond}m")
            : string.Create(CultureInfo.InvariantCulture, $"{(timeout.Ticks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond}S");
    }

    /// <returns>Null for what is not a timeout; never more than <see cref="Longest"/>.</returns>
    public static TimeSpan? Decode(string? header)
    {
        if (header is not { Length: >= 2 and <= 9 }) return null;
        if (!int.TryParse(header.AsSpan(0, header.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var value)) return null;
        long? ticksPerUnit = header[^1] switch
        {
            'H' => TimeSpan.TicksPerHour,
            'M' => TimeSpan.TicksPerMinute,
            'S' => TimeSpan.TicksPerSecond,
            'm' => TimeSpan.TicksPerMillisecond,
            'u' => TimeSpan.TicksPerMicrosecond,
            'n' => 0,
            _ => null,
        };
        if (ticksPerUnit is not { } ticks) return null;
        var timeout = ticks == 0 ? TimeSpan.FromTicks(value / TimeSpan.NanosecondsPerTick) : TimeSpan.FromTicks(value * ticks);
        return timeout < Longest ? timeout : Longest;
    }
}
