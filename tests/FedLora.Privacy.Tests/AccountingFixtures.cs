using System.Text.Json;
using FedLora.Tests;

namespace FedLora.Privacy.Tests;

/// <summary>The reference epsilons of every JSON file under fixtures/privacy.</summary>
internal static class AccountingFixtures
{
    /// <summary>Points and compositions: what was run, at which delta, and what is known about it.</summary>
    public static IEnumerable<Case> Cases() =>
        from file in Fixtures.Files("privacy", "*.json")
        from section in new[] { "points", "compositions" }
        from item in Section(file, section)
        select new Case($"{file} {item.GetProperty("id").GetString()}", Runs(item), item.GetProperty("delta").GetDouble(), item);

    /// <summary>The entries of one section of one file; none where the file lacks it.</summary>
    public static IEnumerable<JsonElement> Section(string file, string section)
    {
        var root = JsonDocument.Parse(File.ReadAllBytes(Fixtures.PathOf("privacy", file))).RootElement;
        return root.ValueKind == JsonValueKind.Object && root.TryGetProperty(section, out var items) ? items.EnumerateArray() : [];
    }

    /// <summary>All entries of one section, whatever the file.</summary>
    public static IEnumerable<JsonElement> Section(string section) =>
        Fixtures.Files("privacy", "*.json").SelectMany(file => Section(file, section));

    /// <summary>A number that may be missing or null.</summary>
    public static double? Number(JsonElement item, string name) =>
        item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private static SampledGaussian[] Runs(JsonElement item) =>
        item.TryGetProperty("segments", out var segments) ? [.. segments.EnumerateArray().Select(Run)] : [Run(item)];

    private static SampledGaussian Run(JsonElement item) =>
        new(item.GetProperty("sigma").GetDouble(), item.GetProperty("q").GetDouble(), item.GetProperty("T").GetInt64());

    internal sealed record Case(string Id, SampledGaussian[] Runs, double Delta, JsonElement Item)
    {
        public bool Refutes(string field) =>
            Item.TryGetProperty("refuted", out var refuted) && refuted.EnumerateArray().Any(name => name.GetString() == field);
    }
}
