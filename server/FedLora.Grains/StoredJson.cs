using System.Text.Json;
using System.Text.Json.Serialization;

namespace FedLora.Grains;

/// <summary>
/// The form of all that is stored as JSON: enums by name, so that moving a member does not change what old rows say; numbers, as they were
/// written before, are read too.
/// </summary>
public static class StoredJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        Converters = { new JsonStringEnumConverter() },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private static JsonSerializerOptions Entries { get; } = new(Options)
    {
        Converters = { new WrittenOnce<CohortEntry>(Options), new WrittenOnce<StoredUpdate>(Options) },
    };

    /// <summary>For writing rows: the same bytes in less time, see <see cref="WrittenOnce{T}"/>.</summary>
    public static JsonSerializerOptions Rows { get; } = new(Entries)
    {
        // A cohort changes when a round opens, and where a node fails; updates come one after another.
        Converters = { new WrittenOnce<ImmutableDictionary<string, CohortEntry>>(Entries) },
    };
}
