namespace FedLora.Grains.Federations;

/// <content>What operators, nodes and the clean-up see.</content>
public sealed partial class FederationGrain
{
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _version;
    private bool _ending;
    private FederationRoots? _roots;

    private FederationRoots Roots => _roots ??= new(blobs, page => Page(page).ReadAsync(CancellationToken.None));

    public Task<FederationView> GetAsync(CancellationToken cancellationToken) => Task.FromResult(View());

    public Task<long> VersionAsync(CancellationToken cancellationToken) => Task.FromResult(Version());

    public Task PingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<VersionedView> WatchAsync(long knownVersion, TimeSpan wait, CancellationToken cancellationToken)
    {
        var changed = _changed.Task;
        if (Version() == knownVersion && wait > TimeSpan.Zero && !_ending)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(changed, Task.Delay(wait < MaxWait ? wait : MaxWait, time, limit.Token));
            await limit.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }

        return new() { Version = Version(), View = View() };
    }

    public async Task<IReadOnlyList<string>> KeptBlobsAsync(CancellationToken cancellationToken) =>
        row.State.Standing is { } standing ? [.. await Roots.AllAsync(standing, cancellationToken), .. _uploads.Values] : [];

    public async Task<string[]> RefersToAsync(string[] hashes, CancellationToken cancellationToken)
    {
        if (row.State.Standing is not { } standing)
            return [];
        return [.. hashes.Where(_uploads.ContainsValue), .. await Roots.AmongAsync(standing, hashes, cancellationToken)];
    }

    private static TimeSpan MaxWait => TimeSpan.FromMinutes(1);

    // Clock ticks at the last change: grows across restarts too.
    private long Version() => _version == 0 ? _version = time.GetUtcNow().UtcTicks : _version;

    private void Changed()
    {
        _version = Math.Max(_version + 1, time.GetUtcNow().UtcTicks);
        var waiting = _changed;
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting.TrySetResult();
    }

    /// <summary>Ends the calls that are held: a grain that is to end ends only after them.</summary>
    private void Release()
    {
        _ending = true;
        _changed.TrySetResult();
        _looked?.TrySetResult();
    }

    private FederationView View()
    {
        var standing = Standing;
        return new()
        {
            Definition = standing.Definition,
            State = standing.State,
            Reason = standing.State == FederationState.Running ? StatusText() : standing.Reason,
            RoundsDone = standing.RoundsDone,
            Adapter = standing.Adapter,
            Fold = [.. standing.Fold],
            Current = standing.State is FederationState.Running or FederationState.Paused ? Current() : null,
            History = [.. standing.Recent],
            Excluded = Excluded(),
            CreatedAt = standing.CreatedAt,
            Privacy = [.. standing.Privacy.Select(Privacy).OrderBy(row => row.Node, StringComparer.Ordinal)],
        };
    }

    private ExcludedNode[] Excluded()
    {
        Here.Forget(time.GetUtcNow());
        var unfit = Round.State == RoundState.Sampling
            ? Here.At(time.GetUtcNow(), Round.Round)
                .Where(seen => seen.Refusal.Length > 0 && !Round.Excluded.Exists(node => node.NodeId == seen.Candidate.Id))
                .Select(seen => new ExcludedNode { NodeId = seen.Candidate.Id, Name = seen.Candidate.Presence.Name, Reason = seen.Refusal })
            : [];
        return [.. Round.Excluded, .. unfit];
    }

    /// <summary>A node's row with what is known since the last committed round.</summary>
    private NodePrivacy Privacy(NodePrivacy row)
    {
        if (Round.Updates.GetValueOrDefault(row.NodeId)?.Header.Receipt is { } receipt)
            return row.After(receipt);
        return Here.Find(row.NodeId)?.Profile?.Balances is [var balance, ..] && balance.SpentEpsilon >= row.SpentEpsilon
            ? row with { SpentEpsilon = balance.SpentEpsilon, LimitEpsilon = balance.LimitEpsilon, Delta = balance.Delta }
            : row;
    }

    private RoundView Current() => new()
    {
        Round = Round.Round,
        Attempt = Round.Attempt,
        State = Round.State,
        Nodes = [.. Round.Cohort.Values.OrderBy(entry => entry.NodeId, StringComparer.Ordinal).Select(Node)],
        Wanted = Round.Wanted,
        Quorum = Round.Quorum,
        OpenedAt = Round.OpenedAt,
        Deadline = Round.Deadline,
    };

    private NodeInRound Node(CohortEntry entry)
    {
        var report = _reports.GetValueOrDefault(entry.NodeId) is { } last && last.Round == Round.Round ? last : null;
        var stored = Round.Updates.GetValueOrDefault(entry.NodeId);
        var update = stored?.Header;
        return new()
        {
            NodeId = entry.NodeId,
            Name = entry.Name,
            Phase = report?.Phase ?? TaskPhase.Unspecified,
            UpdateIn = update is not null,
            Step = update?.Steps ?? report?.Step ?? 0,
            Steps = update?.Steps ?? report?.Steps ?? 0,
            Loss = update?.Loss ?? report?.Loss,
            ExampleCount = update?.ExampleCount ?? 0,
            UpdateBytes = update?.Bytes ?? 0,
            Receipt = update?.Receipt,
            Reason = stored is null ? entry.Failure : Plausibility.Remark(Definition, Round, stored),
        };
    }

    private string StatusText()
    {
        Here.Forget(time.GetUtcNow());
        // Who has failed in this round and is not to be asked again yet is not able to take part.
        var held = Round.Cohort.Values.Count(
            entry => Here.Find(entry.NodeId) is { } presence && Here.IsFit(entry.NodeId)
                && Retries.AgainAt(entry, presence.Start, time.GetUtcNow()) is not null);
        return Waiting.Says(Standing, Here.Fit - held);
    }
}
