namespace FedLora.Grains;

/// <content>Taking updates.</content>
public sealed partial class FederationGrain
{
    public Task<UpdateExpectation> BeginUpdateAsync(UpdateHeader header, CancellationToken cancellationToken)
    {
        var (entry, stored) = Admit(header);
        return Task.FromResult(new UpdateExpectation
        {
            Definition = Definition,
            Adapter = federation.State.Adapter!,
            Rank = entry.Rank,
            MaxBytes = UpdateValidator.MaxBytes(Definition, header.Round, entry.Rank),
            AlreadyStored = stored,
        });
    }

    public async Task CommitUpdateAsync(UpdateHeader header, CancellationToken cancellationToken)
    {
        // The round may have closed while the bytes were checked.
        var (entry, stored) = Admit(header);
        if (stored)
            return;
        if (!await blobs.ExistsAsync(header.Sha256, cancellationToken))
            throw new RefusedException(RefusalCodes.BlobMissing, $"The bytes of node '{header.NodeId}''s update are not here.", "Send it again.");
        Round.Updates[header.NodeId] = new()
        {
            Header = header with { Loss = Finite(header.Loss), TrainSeconds = Finite(header.TrainSeconds) ?? 0 },
            Weight = Definition.WeightOf(entry.Name, header.ExampleCount),
            ReceivedAt = time.GetUtcNow(),
            Rank = entry.Rank,
        };
        // Not the caller's token: either it is recorded and acknowledged, or neither.
        await StoreAsync(round);
        log.UpdateStored(Name, header.Round, header.NodeId, header.Bytes);
        Changed();
        if (header.Receipt is { } receipt)
            await MirrorAsync(header, receipt);
        await AdvanceAsync(CancellationToken.None);
    }

    public async Task<RoundRecord> GetRoundAsync(int round, CancellationToken cancellationToken)
    {
        _ = Definition;
        var summary = federation.State.History.FirstOrDefault(done => done.Round == round)
            ?? throw new RefusedException(RefusalCodes.RoundUnknown, $"Federation '{Name}' has not committed a round {round}.", $"It has committed {federation.State.RoundsDone}.");
        return await blobs.GetJsonAsync<RoundRecord>(summary.Record, cancellationToken);
    }

    /// <summary>Refuses what may not be sent (now); says whether this very update is stored already.</summary>
    private (CohortEntry Entry, bool Stored) Admit(UpdateHeader header)
    {
        var rounds = federation.State.RoundsDone;
        _ = Definition;
        if (header.Round < 1 || header.Round > rounds + 1)
            throw new RefusedException(RefusalCodes.RoundUnknown, $"Federation '{Name}' has no round {header.Round}; it is in round {rounds + 1}.", "Ask for a task.");
        if (header.Round <= rounds)
            throw new RefusedException(RefusalCodes.RoundClosed, $"Round {header.Round} of '{Name}' is closed.", "Drop the update and ask for a task.");
        var entry = Round.Cohort.FirstOrDefault(member => member.NodeId == header.NodeId)
            ?? throw new RefusedException(RefusalCodes.NotInCohort, $"Node '{header.NodeId}' is not in the cohort of round {header.Round} of '{Name}'.", "Drop the update and ask for a task.");
        if (Round.Updates.TryGetValue(header.NodeId, out var known))
        {
            return known.Header.Sha256 == header.Sha256 ? (entry, true)
                : throw new RefusedException(RefusalCodes.UpdateConflict, $"Node '{header.NodeId}' has already delivered another update for round {header.Round} of '{Name}'.", "The first one counts; drop this one.");
        }

        if (federation.State.State != FederationState.Running || Round.State != RoundState.Open)
            throw new RefusedException(RefusalCodes.RoundClosed, $"Round {header.Round} of '{Name}' takes no updates now: {StatusText()}.", "Drop the update and ask for a task.");
        RequireHeader(header, entry);
        return (entry, false);
    }

    private void RequireHeader(UpdateHeader header, CohortEntry entry)
    {
        var max = UpdateValidator.MaxBytes(Definition, header.Round, entry.Rank);
        if (header.Bytes < 1 || header.Bytes > max)
            throw new RefusedException(RefusalCodes.UpdateSize, $"The update of node '{header.NodeId}' has {header.Bytes} bytes; round {header.Round} of '{Name}' takes 1 to {max}.", "Use the rank and the modules that the federation states.");
        if (Definition.Privacy is null && header.ExampleCount < 1)
            throw new RefusedException(RefusalCodes.UpdateExamples, $"The update of node '{header.NodeId}' states {header.ExampleCount} examples.", "An update is trained on at least one example.");
        if (Definition.Privacy is { } privacy)
        {
            var receipt = header.Receipt
                ?? throw new RefusedException(RefusalCodes.UpdateReceipt, $"The update of node '{header.NodeId}' has no privacy receipt.", "A federation with privacy terms needs one from the node's ledger.");
            var row = federation.State.Privacy.Find(row => row.NodeId == header.NodeId);
            if (row is null || !receipt.SamplingRate.Equals(row.SamplingRate) || !(receipt.NoiseMultiplier >= row.NoiseMultiplier) || !double.IsFinite(receipt.NoiseMultiplier)
                || receipt.Steps != Definition.Training.LocalSteps || header.Steps != receipt.Steps || !(receipt.ClipNorm > 0 && receipt.ClipNorm <= privacy.ClipNorm)
                || !(receipt.EpsilonSpent >= 0 && double.IsFinite(receipt.EpsilonSpent)) || !(receipt.Delta is > 0 and < 1) || !(receipt.EpsilonLimit >= 0) || header.ExampleCount != 0 || header.Loss is not null)
                throw new RefusedException(RefusalCodes.UpdateReceipt, $"The privacy receipt of node '{header.NodeId}' does not meet the federation's terms.", "Check noise multiplier, sampling rate, steps and clipping norm; neither a loss nor a count may come with it.");
        }
        else if (header.Receipt is not null)
        {
            throw new RefusedException(RefusalCodes.UpdateReceipt, $"The update of node '{header.NodeId}' has a privacy receipt, but the federation has no privacy terms.", "Train without privacy, or ask the operator for a federation with it.");
        }
    }

    private async Task MirrorAsync(UpdateHeader header, PrivacyReceipt receipt)
    {
        try
        {
            var entry = new LedgerMirrorEntry { Federation = Name, Round = header.Round, Receipt = receipt, At = time.GetUtcNow() };
            await GrainFactory.GetGrain<INodeGrain>(header.NodeId).RecordReceiptAsync(entry, CancellationToken.None);
        }
        catch (Exception error) when (error is TimeoutException or Orleans.Runtime.OrleansException)
        {
            // The round's record has the receipt too.
            log.ReceiptNotMirrored(error, Name, header.NodeId);
        }
    }

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
