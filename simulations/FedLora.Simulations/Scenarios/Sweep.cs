using System.Security.Cryptography;
using System.Text;
using FedLora.Federations.Files;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace FedLora.Simulations.Scenarios;

/// <summary>One run of a sweep.</summary>
/// <param name="Name">E.g. <c>method=fedsvd,seed=2</c>, the name of a folder; <c>run</c> where nothing is swept.</param>
/// <param name="Values">By key, as the sweep names it.</param>
/// <param name="Scenario">Checked.</param>
public sealed record PlannedRun(string Name, IReadOnlyDictionary<string, string> Values, ScenarioFile Scenario);

/// <summary>A scenario with a sweep, taken apart into runs.</summary>
public static class Sweep
{
    private const string None = "none";
    private const char And = '&';
    private const int MostRuns = 10_000;
    private const int LongestName = 160;

    /// <summary>
    /// Every combination of the sweep's values, the last key's changing fastest; one run where there is no sweep. Keys that belong together
    /// are written as one: <c>federation.method &amp; federation.training.learning_rate: [fedsvd &amp; 0.01, fedit &amp; 0.003]</c>.
    /// </summary>
    /// <exception cref="FedLoraException"><c>yaml-missing</c>, <c>yaml-invalid</c>: with the line, in a run of a sweep with that of the
    /// sweep and the values.</exception>
    public static IReadOnlyList<PlannedRun> Plan(string file)
    {
        var yaml = YamlMap.Load(file);
        if (!yaml.Has(ScenarioFile.SweepKey))
            return [new("run", new Dictionary<string, string>(), ScenarioFile.Load(file))];
        var lists = yaml.Map(ScenarioFile.SweepKey)!;
        var keys = lists.Names();
        var values = keys.Select(
            key => lists.List(key) is { Count: > 0 } list ? list : throw lists.Error(key, "expected a list of values, e.g. [1, 2]"))
            .ToList();
        foreach (var (key, list) in keys.Zip(values))
        {
            if (list.GroupBy(value => (object?)Number.Parse(value) ?? value).FirstOrDefault(same => same.Count() > 1) is { } same)
                throw lists.Error(key, $"'{same.Last()}' is there twice; every value makes a run of its own");
        }

        if (keys.Count == 0 || values.Aggregate(1L, (product, list) => product * list.Count) > MostRuns)
            throw yaml.Error(ScenarioFile.SweepKey, $"expected at least one key, and at most {MostRuns} runs in all");
        return [.. Combinations(values).Select(combination =>
            Run(file, yaml, [.. keys.Zip(combination).SelectMany(pair => Apart(lists, pair.First, pair.Second))]))];
    }

    private static IEnumerable<(string Key, string Value)> Apart(YamlMap lists, string keys, string values)
    {
        var (names, parts) = (keys.Split(And, StringSplitOptions.TrimEntries), values.Split(And, StringSplitOptions.TrimEntries));
        if (names.Length == 1)
            return [(keys, values)];
        return names.Length == parts.Length ? names.Zip(parts)
            : throw lists.Error(keys,
                $"'{values}' has {parts.Length} values for {names.Length} keys: one for each, with {And} between them");
    }

    private static IEnumerable<string[]> Combinations(IReadOnlyList<IReadOnlyList<string>> lists) =>
        lists.Aggregate((IEnumerable<string[]>)[[]],
            (done, list) => done.SelectMany(head => list.Select(value => (string[])[.. head, value])));

    private static PlannedRun Run(string file, YamlMap yaml, IReadOnlyList<(string Key, string Value)> settings)
    {
        var name = NameOf(settings);
        var root = Read(file);
        root.Children.Remove(new YamlScalarNode(ScenarioFile.SweepKey));
        Inline(file, root);
        foreach (var (key, value) in settings)
            Set(root, key, value);
        try
        {
            return new(name, settings.ToDictionary(setting => setting.Key, setting => setting.Value, StringComparer.Ordinal),
                ScenarioFile.Parse(file, Text(root)));
        }
        catch (FedLoraException error)
        {
            // The lines of the text that was put together are nobody's.
            var message = System.Text.RegularExpressions.Regex.Replace(error.Message, @"^.*?, line \d+: ", "",
                System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1));
            throw yaml.Error(ScenarioFile.SweepKey, $"with {name}: {message}");
        }
    }

    // A value may be a path: of what a folder's name cannot hold nothing is left, and of what is too long only the beginning.
    private static string NameOf(IReadOnlyList<(string Key, string Value)> settings)
    {
        var name = string.Join(',',
            settings.Select(setting => $"{Uri.EscapeDataString(LastPart(setting.Key))}={Uri.EscapeDataString(setting.Value)}"));
        return name.Length <= LongestName ? name
            : $"{name[..LongestName]}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..16]}";
    }

    /// <summary>The last part of a key.</summary>
    public static string LastPart(string key) => key[(key.LastIndexOf('.') + 1)..];

    private static YamlMappingNode Read(string file)
    {
        using var reader = new StreamReader(file);
        var stream = new YamlStream();
        stream.Load(reader);
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }

    // So that keys of the federation can be set; its paths are from its own folder.
    private static void Inline(string file, YamlMappingNode root)
    {
        var key = new YamlScalarNode(ScenarioFile.FederationKey);
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        if (!root.Children.TryGetValue(key, out var federation) || federation is not YamlScalarNode { Value: { Length: > 0 } path })
            return;
        var own = Path.Combine(folder, path);
        _ = YamlMap.Load(own);
        var content = Read(own);
        foreach (var name in new[] { "base_model", "public_data" })
        {
            if (content.Children.TryGetValue(new YamlScalarNode(name), out var value)
                && value is YamlScalarNode { Value: { Length: > 0 } below })
                content.Children[new YamlScalarNode(name)] = new YamlScalarNode(
                    Path.GetFullPath(Path.Combine(Path.GetDirectoryName(own)!, below)));
        }

        root.Children[key] = content;
    }

    private static void Set(YamlMappingNode root, string key, string value)
    {
        var parts = key.Split('.');
        if (value == None)
        {
            // No epsilon means no privacy at all, not another way to state the noise.
            Remove(root, key == "federation.privacy.epsilon" ? ["federation", "privacy"] : parts);
            return;
        }

        var node = root;
        foreach (var part in parts[..^1])
        {
            var name = new YamlScalarNode(part);
            if (!node.Children.TryGetValue(name, out var below) || below is not YamlMappingNode map)
                node.Children[name] = map = [];
            node = map;
        }

        node.Children[new YamlScalarNode(parts[^1])] = new YamlScalarNode(value);
    }

    private static void Remove(YamlMappingNode root, string[] parts)
    {
        var node = root;
        foreach (var part in parts[..^1])
        {
            if (!node.Children.TryGetValue(new YamlScalarNode(part), out var below) || below is not YamlMappingNode map)
                return;
            node = map;
        }

        node.Children.Remove(new YamlScalarNode(parts[^1]));
    }

    private static string Text(YamlMappingNode root)
    {
        using var text = new StringWriter();
        new YamlStream(new YamlDocument(root))
            .Save(new Emitter(text, new EmitterSettings().WithBestWidth(int.MaxValue)), assignAnchors: false);
        // The stream marks its end, which a reader of one document need not.
        return text.ToString().Replace("\n...\n", "\n", StringComparison.Ordinal);
    }
}
