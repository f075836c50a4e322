using FedLora.Aggregation;

namespace FedLora.Grains.Federations;

/// <content>Taking updates.</content>
public sealed partial class FederationGrain
{
    // What is being uploaded, by node: not yet named by the standing, and not to be cleaned up.
    private readonly Dictionary<string, string> _uploads = new(StringComparer.Ordinal);

    public Task<UpdateExpectation> BeginUpdateAsync(UpdateHeader header, CancellationToken cancellationToken)
    {
        var admission = Admission.Of(Standing, header);
        if (admission.Refusal is { } refusal)
            throw RefusedException.Of(refusal);
        var before = _uploads.GetValueOrDefault(header.NodeId);
        _uploads[header.NodeId] = header.Sha256;
        return Task.FromResult(new UpdateExpectation
        {
            Definition = Definition,
            Adapter = Standing.Adapter,
            Rank = admission.Member!.Rank,
            MaxBytes = UpdateSize.Max(Definition, header.Round, admission.Member.Rank),
            AlreadyStored = admission.AlreadyStored,
            // A node has one upload at a time: the part of another one is of no use to anybody.
            Abandoned = before is not null && before != header.Sha256 && !_uploads.ContainsValue(before) ? before : null,
        });
    }

    public async Task<Refusal?[]> CommitUpdatesAsync(UpdateHeader[] headers, CancellationToken cancellationToken)
    {
        foreach (var header in headers)
            _uploads[header.NodeId] = header.Sha256;
        var refusals = new Refusal?[headers.Length];
        var here = new List<int>(headers.Length);
        for (var i = 0; i < headers.Length; i++)
        {
            if (await blobs.ExistsAsync(headers[i].Sha256, cancellationToken))
                here.Add(i);
            else
                refusals[i] = new(RefusalCodes.BlobMissing, $"The bytes of node '{headers[i].NodeId}''s update are not here.",
                    "Send it again.");
        }

        if (here.Count == 0)
            return refusals;
        // Not the caller's token from here: either they are recorded and acknowledged, or neither.
        var decisions = await SendAsync([.. here.Select(i => new FederationEvent.UpdateArrived(headers[i]))]);
        foreach (var (i, decision) in here.Zip(decisions))
        {
            _uploads.Remove(headers[i].NodeId);
            refusals[i] = decision.Effects.OfType<FederationEffect.Refuse>().FirstOrDefault()?.Refusal;
            if (refusals[i] is null)
                Recorded(headers[i]);
        }

        return refusals;
    }

    private void Recorded(UpdateHeader header)
    {
        log.UpdateStored(Name, header.Round, header.NodeId, header.Bytes);
        if (header.Receipt is { } receipt && Standing.Privacy.Find(row => row.NodeId == header.NodeId) is { } known)
            instruments.Spent(known.Node, receipt);
    }

    public async Task<RoundRecord> GetRoundAsync(int round, CancellationToken cancellationToken) =>
        await blobs.GetJsonAsync<RoundRecord>((await SummaryAsync(round)).Record, cancellationToken);

    public async Task<AdapterRef> AdapterAfterAsync(int round, CancellationToken cancellationToken)
    {
        if (round == Standing.RoundsDone)
            return Standing.Adapter;
        return round == 0 ? (await GetRoundAsync(1, cancellationToken)).Before : (await SummaryAsync(round)).Adapter;
    }

    public async Task<AdapterRef[]> FoldsAfterAsync(int round, CancellationToken cancellationToken)
    {
        if (round == Standing.RoundsDone || !Methods.Get(Definition.Method).Traits.Folds)
            return [.. Standing.Fold];
        var folds = new List<AdapterRef>();
        for (var done = 1; done <= round; done++)
        {
            var summary = await SummaryAsync(done);
            if ((summary.Fold ?? (await GetRoundAsync(done, cancellationToken)).Fold) is { } fold)
                folds.Add(fold);
        }

        return [.. folds];
    }

    private async Task<RoundSummary> SummaryAsync(int round)
    {
        var standing = Standing;
        if (round < 1 || round > standing.RoundsDone)
            throw new RefusedException(RefusalCodes.RoundUnknown, $"Federation '{Name}' has not committed a round {round}.",
                $"It has committed {standing.RoundsDone}.");
        if (round > standing.Paged)
            return standing.Recent[round - standing.Paged - 1];
        var (page, line) = Math.DivRem(round - 1, FederationStanding.PageSize);
        return (await Page(page).ReadAsync(CancellationToken.None))[line];
    }
}
