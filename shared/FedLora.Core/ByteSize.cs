namespace FedLora.Core;

/// <summary>Sizes as people write them.</summary>
public static class ByteSize
{
    private static readonly (string Unit, double Bytes)[] Units =
        [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9)];

    /// <summary>Bytes of a size such as <c>8 GiB</c>, <c>500MB</c> or <c>1.5 GB</c>; null where it is none, or has no unit.</summary>
    public static long? Parse(string text)
    {
        var size = text.Trim();
        foreach (var (unit, bytes) in Units)
        {
            if (size.EndsWith(unit, StringComparison.OrdinalIgnoreCase) && Number.Parse(size[..^unit.Length].TrimEnd()) is { } count
                && count * bytes is >= 1 and < long.MaxValue and var found)
                return (long)found;
        }
        return null;
    }
}
