using FedLora.Dashboard.Federations;

namespace FedLora.Dashboard.Privacy;

/// <summary>
/// What all sites' data sets have spent, as the coordinator mirrors it from receipts and polls. The sites' own ledgers are the authority.
/// </summary>
internal sealed class PrivacyBook(IGrainFactory grains, Accounting accounting, FederationBook federations)
{
    private const int CoursePoints = 8;
    private const int MostCourses = 6;
    private const int PaceOver = 20;
    private const int MostLeftOut = 30;

    /// <summary>How long a page waits for the accountant.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(1500);

    /// <summary>Every data set that has spent something or has told of a budget; the nearest to its limit first.</summary>
    internal async Task<IReadOnlyList<DataSetRow>> RowsAsync(CancellationToken cancellationToken)
    {
        var views = await NodesAsync(cancellationToken);
        return [.. views.SelectMany(Rows).OrderByDescending(row => row.Share ?? -1).ThenByDescending(row => row.Spent)
            .ThenBy(row => row.Node, StringComparer.Ordinal)];
    }

    internal Task<IReadOnlyList<NodeView>> NodesAsync(CancellationToken cancellationToken) => grains.NodesAsync(cancellationToken);

    /// <exception cref="RefusedException"><c>node-unknown-name</c>.</exception>
    internal async Task<NodeView> NodeAsync(string name, CancellationToken cancellationToken)
    {
        var node = await grains.FindNodeAsync(name, cancellationToken);
        return await node.GetAsync(cancellationToken);
    }

    /// <summary>The data set with its course, its parts and what is to be expected.</summary>
    /// <exception cref="RefusedException"><c>node-unknown-name</c>.</exception>
    internal async Task<DataSetAccount> AccountAsync(string node, string dataSet, CancellationToken cancellationToken)
    {
        var view = await NodeAsync(node, cancellationToken);
        var row = Rows(view).FirstOrDefault(row => row.DataSet == dataSet)
            ?? throw new RefusedException(RefusalCodes.NodeUnknownName, $"Node '{node}' has no data set '{dataSet}'.",
                "Look at the list of data sets.");
        var receipts = (await LedgerAsync(view, cancellationToken)).Where(entry => entry.Receipt.DataSet == dataSet).ToList();
        var past = LedgerMirror.Past(view.Profile.Balances.FirstOrDefault(balance => balance.DataSet == dataSet),
            view.Spent.FirstOrDefault(spent => spent.DataSet == dataSet)?.Runs ?? []);
        var shares = new List<FederationShare>();
        foreach (var federation in receipts.GroupBy(entry => entry.Federation, StringComparer.Ordinal)
            .OrderByDescending(group => group.Count()))
            shares.Add(await ShareAsync(federation.Key, [.. federation], row.Delta, shares.Count < MostCourses, cancellationToken));
        var proven = await accounting.EpsilonAsync(past, row.Delta, Patience, cancellationToken);
        var projection = await ProjectAsync(row, receipts, past, cancellationToken);
        return new DataSetAccount
        {
            Row = row,
            Receipts = receipts,
            Past = past,
            Proven = proven,
            Shares = [.. shares.OrderByDescending(share => share.Bound?.Epsilon ?? 0)],
            Projection = projection,
            LeftOut = await federations.LeftOutAsync(view.NodeId, shares.Select(share => share.Federation), MostLeftOut, cancellationToken),
            IsPartial = proven is null || shares.Any(share => share.Bound is null) || projection is { RoundsLeft: null },
        };
    }

    /// <summary>The receipts of a node, of all its data sets, oldest first.</summary>
    internal Task<LedgerMirrorEntry[]> LedgerAsync(NodeView node, CancellationToken cancellationToken) =>
        grains.GetGrain<INodeGrain>(node.NodeId).LedgerAsync(cancellationToken);

    private static IEnumerable<DataSetRow> Rows(NodeView node)
    {
        var spent = node.Spent.ToDictionary(set => set.DataSet, StringComparer.Ordinal);

        foreach (var balance in node.Profile.Balances)
        {
            var known = spent.Remove(balance.DataSet, out var mirrored);
            // A receipt may be newer than the last poll, which told the balance.
            var most = known
                && mirrored!.Last.Receipt.Delta.Equals(balance.Delta) ? Math.Max(balance.SpentEpsilon, mirrored.Last.Receipt.EpsilonSpent)
                    : balance.SpentEpsilon;
            yield return new DataSetRow(node.Name, balance.DataSet, balance.Unit.Length > 0 ? balance.Unit
                : "example", most, balance.LimitEpsilon > 0 ? balance.LimitEpsilon : null, balance.Delta,
                mirrored?.Last.At, mirrored?.Federations ?? [], balance.UsedWithoutPrivacy, node.Online);
        }

        foreach (var set in spent.Values)
        {
            var last = set.Last.Receipt;
            yield return new DataSetRow(node.Name, set.DataSet, "example", last.EpsilonSpent,
                last.EpsilonLimit > 0 ? last.EpsilonLimit : null, last.Delta, set.Last.At, set.Federations, false, node.Online);
        }
    }

    private async Task<FederationShare> ShareAsync(string federation, IReadOnlyList<LedgerMirrorEntry> entries, double delta, bool course,
        CancellationToken cancellationToken)
    {
        var at = course
            ? Enumerable.Range(1, CoursePoints).Select(i => (entries.Count * i + CoursePoints - 1) / CoursePoints).Distinct().ToList()
                : [entries.Count];
        var points = new List<(DateTimeOffset, double)> { (entries[0].At, 0) };
        FedLora.Privacy.PrivacyBound? last = null;
        foreach (var count in at)
        {
            var past = LedgerMirror.Past(null, entries.Take(count).Select(entry => PrivacyRun.Of(entry.Receipt.Run)));
            last = await accounting.EpsilonAsync(past, delta, Patience, cancellationToken);
            if (last is not null)
                points.Add((entries[count - 1].At, last.Epsilon));
        }

        return new FederationShare(federation, entries.Count, last, course ? points : []);
    }

    private async Task<Projection?> ProjectAsync(DataSetRow row, IReadOnlyList<LedgerMirrorEntry> receipts,
        IReadOnlyList<FedLora.Privacy.SampledGaussian> past, CancellationToken cancellationToken)
    {
        if (row.Limit is null || receipts is not [.., var last])
            return null;
        var round = new FedLora.Privacy.SampledGaussian(last.Receipt.NoiseMultiplier, last.Receipt.SamplingRate, last.Receipt.Steps);
        var recent = receipts.TakeLast(PaceOver).ToList();
        TimeSpan? pace = recent.Count > 1 ? (recent[^1].At - recent[0].At) / (recent.Count - 1) : null;
        var left = await accounting.RoundsLeftAsync(past, round, new(row.Limit, row.Delta), Patience, cancellationToken);
        return new Projection(last.Federation, round, left, pace, recent.Count, End(last.At, pace, left));
    }

    private static DateTimeOffset? End(DateTimeOffset last, TimeSpan? pace, long? left)
    {
        if (pace is not { } step || left is not { } rounds || step <= TimeSpan.Zero)
            return null;
        var ticks = (double)step.Ticks * rounds;
        return ticks < TimeSpan.FromDays(36_500).Ticks ? last + TimeSpan.FromTicks((long)ticks) : null;
    }
}
