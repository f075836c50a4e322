namespace FedLora.Compression;

/// <summary>The names of the formats in federation files, in messages and on the command line.</summary>
public static class ValueFormats
{
    /// <summary>What is written where nothing is said.</summary>
    public const string Default = "f32";

    /// <summary>Every format by its name.</summary>
    public static IReadOnlyDictionary<string, ValueFormat> ByName { get; } = new OrderedDictionary<string, ValueFormat>(
        StringComparer.Ordinal)
    {
        [Default] = ValueFormat.F32,
        ["bf16"] = ValueFormat.BF16,
        ["f16"] = ValueFormat.F16,
        ["int8"] = ValueFormat.Q8,
        ["int4"] = ValueFormat.Q4,
    };

    /// <summary>The names, for people.</summary>
    public static string Names { get; } = string.Join(", ", ByName.Keys);
}
