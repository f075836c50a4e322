namespace FedLora.Dashboard.Privacy;

/// <summary>A site's data set in one line: what it has spent of what, for whom.</summary>
/// <param name="Node">The site's node, by name.</param>
/// <param name="DataSet">The data set's identity: it tells neither name nor content.</param>
/// <param name="Unit">What one unit of privacy is.</param>
/// <param name="Spent">Epsilon over all federations, upper bound.</param>
/// <param name="Limit">The site's limit; null where it has none.</param>
/// <param name="Delta">What both are stated at.</param>
/// <param name="Last">When it last spent something here; null where only its node's word is known.</param>
/// <param name="Federations">Who spent it here, by name.</param>
/// <param name="UsedWithoutPrivacy">Whether the data were trained on without noise too.</param>
/// <param name="Online">Whether the node is there.</param>
public sealed record DataSetRow(
    string Node, string DataSet, string Unit, double Spent, double? Limit, double Delta, DateTimeOffset? Last,
        IReadOnlyList<string> Federations, bool UsedWithoutPrivacy, bool Online)
{
    /// <summary>Spent over limit; null without a limit.</summary>
    public double? Share => Limit is { } most ? Spent / most : null;

    public string Href => $"/privacy/{Uri.EscapeDataString(Node)}/{Uri.EscapeDataString(DataSet)}";
}
