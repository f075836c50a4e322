namespace FedLora.Grains.Federations;

/// <summary>
/// Who delivered in the rounds that are done: their records are blobs, read when somebody asks, so that a federation's own row stays small.
/// </summary>
public sealed class RoundNodes(IGrainFactory grains, IBlobStore blobs)
{
    /// <summary>The nodes of each round, in node order; none where a round's record is no longer there.</summary>
    /// <param name="rounds">Rounds that are done.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async Task<IReadOnlyDictionary<int, IReadOnlyList<NodeInRound>>> OfAsync(
        IEnumerable<RoundSummary> rounds, CancellationToken cancellationToken)
    {
        var nodes = await grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key).ListNodesAsync(cancellationToken);
        var names = nodes.ToDictionary(node => node.NodeId, node => node.Name, StringComparer.Ordinal);
        var found = new Dictionary<int, IReadOnlyList<NodeInRound>>();
        foreach (var round in rounds)
        {
            if (round.Record.Length == 0 || !await blobs.ExistsAsync(round.Record, cancellationToken))
                continue;
            var record = await blobs.GetJsonAsync<RoundRecord>(round.Record, cancellationToken);
            found[round.Round] = [
                .. record.Updates.Select(
                    update => Node(update.Header, names.GetValueOrDefault(update.Header.NodeId, update.Header.NodeId)))];
        }

        return found;
    }

    private static NodeInRound Node(UpdateHeader header, string name) => new()
    {
        NodeId = header.NodeId,
        Name = name,
        UpdateIn = true,
        Step = header.Steps,
        Steps = header.Steps,
        Loss = header.Loss,
        ExampleCount = header.ExampleCount,
        UpdateBytes = header.Bytes,
        Receipt = header.Receipt,
    };
}
