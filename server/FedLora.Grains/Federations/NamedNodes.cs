namespace FedLora.Grains.Federations;

/// <summary>
/// Names of nodes and of their groups in a definition, which nothing changes afterwards: each is looked up while it still can be corrected.
/// </summary>
internal static class NamedNodes
{
    private const int Named = 20;

    /// <summary>
    /// Refuses names that no enrolled node has; where none is enrolled at all, there is nothing to look them up in. Groups may come with
    /// nodes of later: only one that is nearly another is taken
    /// for a slip.
    /// </summary>
    /// <exception cref="RefusedException"><c>definition-invalid</c>, naming the setting, the name and the nearest known one.</exception>
    public static void Require(FederationDefinition definition, IReadOnlyList<NodeEntry> nodes)
    {
        if (nodes.Count == 0)
            return;
        Require("public_counts", definition.PublicCounts.Keys, "node", [.. nodes.Select(node => node.Name)]);
        string[] groups = [.. nodes.Select(node => node.Group).Where(group => group.Length > 0).Distinct(StringComparer.Ordinal)];
        Require("lora.rank_groups", Slips(definition.Lora.RankGroups.Keys, groups), "node of the group", groups);
        Require("communication.groups", Slips(definition.Communication.Groups.Keys, groups), "node of the group", groups);
    }

    private static IEnumerable<string> Slips(IEnumerable<string> names, string[] groups) =>
        names.Where(name => Nearest.To(name, groups) is not null);

    private static void Require(string setting, IEnumerable<string> names, string what, string[] known)
    {
        if (names.FirstOrDefault(name => !known.Contains(name, StringComparer.Ordinal)) is { } unknown)
        {
            throw new RefusedException(RefusalCodes.DefinitionInvalid,
                $"{setting}: no {what} '{unknown}' is enrolled{Nearest.Question(unknown, known)}; enrolled: "
                    + $"{string.Join(", ", known.Take(Named).DefaultIfEmpty("none"))}{(known.Length > Named ? ", ..." : "")}",
                "Correct the name, or enrol the node first: a definition does not change afterwards.");
        }
    }
}
