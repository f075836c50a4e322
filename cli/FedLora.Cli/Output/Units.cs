namespace FedLora.Cli.Output;

/// <summary>Quantities for people.</summary>
internal static class Units
{
    /// <summary>E.g. <c>1.2 MB</c>; powers of ten.</summary>
    internal static string Bytes(double count) => count switch
    {
        < 1e3 => $"{count:0} B",
        < 1e6 => $"{count / 1e3:0.0} kB",
        < 1e9 => $"{count / 1e6:0.0} MB",
        _ => $"{count / 1e9:0.00} GB",
    };

    /// <summary>E.g. <c>94.1 %</c>, from a fraction.</summary>
    internal static string Percent(double fraction) => $"{fraction * 100:0.0} %";
}
