using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Federations.Files;

namespace FedLora.Simulations.Scenarios;

/// <summary>What cannot be meant, said before anything runs, with the line.</summary>
internal static class ScenarioRules
{
    /// <summary>Checks what the file alone can tell: ranges, words, and what contradicts itself.</summary>
    /// <exception cref="FedLoraException"><c>yaml-invalid</c>, naming file, line and key.</exception>
    public static void Check(ScenarioFile scenario)
    {
        var (definition, lines) = (scenario.Definition, scenario.Lines);
        Ranges(definition, typeof(ScenarioDefinition), lines);
        if (definition.Trainer == NodeTrainer.Lora)
        {
            Require(definition.Data.Train.Length > 0, lines.Map("data") ?? lines, "train",
                "a file with the training examples, which trainer: lora needs");
            Require(scenario.Federation.ModelFolder is not null, scenario.FederationLines, "base_model",
                "the folder of the base model, which trainer: lora needs");
        }
        else
        {
            Require(scenario.Federation.Definition.Privacy is null, scenario.FederationLines, "privacy",
                $"left out: only trainer: lora trains privately, not {definition.Trainer.ToString().ToLowerInvariant()}");
            Require(definition.Trainer == NodeTrainer.Trivial || scenario.Federation.Definition.Task.Labels.Count >= 2,
                scenario.FederationLines, "task", "a classification: trainer: logistic learns labels");
        }

        if (definition.Data.Split.Kind == SplitKind.Field)
            Require(definition.Data.Split.Field.Length > 0, lines.Map("data")?.Map("split") ?? lines, "field",
                "the name of a field, as split kind 'field' goes by it");
        if (definition.Data.Split.Kind is SplitKind.Dirichlet or SplitKind.Shards && definition.Trainer == NodeTrainer.Lora)
            Require(scenario.Federation.Definition.Task.Kind == LearningTask.Classification, lines.Map("data")?.Map("split") ?? lines,
                "kind", "identical, quantity or field: a language model's examples have no labels to skew");
        if (scenario.Federation.Definition is { Privacy.SamplingRate: 0, PublicCounts.Count: 0 })
            throw scenario.FederationLines.Error("privacy",
                $"sampling_rate is missing: virtual nodes state no counts (batch_size {scenario.Federation.Definition.Training.BatchSize} "
                    + $"over the examples of a node is usual)");
        Groups(scenario);
        Cohort(scenario);
        foreach (var (name, outage) in definition.Outages)
        {
            var known = definition.Groups.Keys.Append("coordinator").Append("node-1").ToList();
            Require(known.Contains(outage.Who) || NodeNumber(outage.Who, definition.Nodes) is not null, lines.Map("outages")!.Map(name)!,
                "who",
                $"coordinator, a group ({string.Join(", ", definition.Groups.Keys)}) or node-1 to "
                    + $"node-{definition.Nodes}{Nearest.Question(outage.Who, known)}");
        }
    }

    /// <summary>The index of a node that is named; null where there is none of that name.</summary>
    public static int? NodeNumber(string name, int nodes) =>
        name.StartsWith("node-", StringComparison.Ordinal) && Number.ParseWhole(name["node-".Length..]) is { } number && number >= 1
            && number <= nodes ? (int)number - 1 : null;

    private static void Groups(ScenarioFile scenario)
    {
        var (definition, lines) = (scenario.Definition, scenario.Lines.Map("groups"));
        var shares = definition.Groups.Values.Sum(group => group.Share);
        if (definition.Groups.Count > 0)
        {
            var open = definition.Groups.Values.Any(group => group.Share == 0);
            Require(shares <= 1 + 1e-9 && (open || shares >= 1 - 1e-9), scenario.Lines, "groups",
                $"shares that add up to 1, not {shares:0.####}");
        }

        foreach (var (name, group) in definition.Groups)
        {
            foreach (var (key, text) in new[]
            {
                ("download", group.Download),
                ("upload", group.Upload),
                ("seconds_per_step", group.SecondsPerStep),
                ("latency", group.Latency),
            })
            {
                if (Distribution.Parse(text, out var why) is null)
                    throw lines!.Map(name)!.Error(key, why);
            }
        }

        var federation = scenario.Federation.Definition;
        var known = definition.Groups.Keys.ToList();
        foreach (var (section, names) in new[]
        {
            (scenario.FederationLines.Map("lora")?.Map("rank_groups"), federation.Lora.RankGroups.Keys.ToList()),
            (scenario.FederationLines.Map("communication")?.Map("groups"), federation.Communication.Groups.Keys.ToList()),
        })
        {
            foreach (var name in names.Where(name => !known.Contains(name)))
                throw section!.Error(name,
                    $"the scenario has no group '{name}'; it has: "
                        + $"{string.Join(", ", known.DefaultIfEmpty("none"))}{Nearest.Question(name, known)}");
        }

        var method = Methods.Get(federation.Method);
        if (!method.Traits.MixesRanks && federation.Lora.RankGroups.Any(pair => pair.Value != federation.Lora.Rank))
        {
            throw scenario.FederationLines.Map("lora")!.Error("rank_groups",
                $"method '{method.Name}' cannot mix ranks; those that can: "
                    + $"{string.Join(", ", Methods.All.Where(other => other.Traits.MixesRanks).Select(other => other.Name))}");
        }
    }

    private static void Cohort(ScenarioFile scenario)
    {
        var (cohort, nodes) = (scenario.Federation.Definition.Cohort, scenario.Definition.Nodes);
        foreach (var (key, value) in new[] { ("size", cohort.Size), ("quorum", cohort.Quorum), ("min_nodes", cohort.MinNodes) })
        {
            if (value > nodes)
                throw scenario.FederationLines.Map("cohort")!.Error(key, $"{value} nodes are asked for, and the scenario has {nodes}");
        }
    }

    // As the federation's own rules, but with the line.
    private static void Ranges(object section, Type type, YamlMap lines)
    {
        foreach (var setting in Setting.Of(type))
        {
            switch (setting.Property.GetValue(section))
            {
                case System.Collections.IDictionary map:
                    foreach (System.Collections.DictionaryEntry entry in map)
                        Ranges(entry.Value!, entry.Value!.GetType(), lines.Map(setting.Key)!.Map((string)entry.Key)!);
                    break;
                case { } below when Setting.IsSection(below.GetType()):
                    if (lines.Map(setting.Key) is { } inner)
                        Ranges(below, below.GetType(), inner);
                    break;
                case { } value when (value is int or ulong or double) && !setting.Allows(Convert.ToDouble(value)):
                    throw lines.Error(setting.Key, $"'{value}' is not allowed; it must be {setting.Allowed()}");
            }
        }
    }

    private static void Require(bool holds, YamlMap lines, string key, string must)
    {
        if (!holds)
            throw lines.Error(key, $"it must be {must}");
    }
}
