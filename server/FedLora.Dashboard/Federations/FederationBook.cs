using FedLora.Dashboard.Privacy;

namespace FedLora.Dashboard.Federations;

/// <summary>Federations and their history, from their grains.</summary>
internal sealed class FederationBook(IGrainFactory grains, RoundRecords records)
{
    private const int MostFederations = 10;
    private const int RoundsSearched = 64;

    /// <summary>All, those at work first. One that cannot be read is listed with why, and hides no other.</summary>
    internal async Task<IReadOnlyList<FederationLine>> ListAsync(CancellationToken cancellationToken)
    {
        var entries = await grains.GetGrain<IRegistryGrain>(IRegistryGrain.Key).ListFederationsAsync(cancellationToken);
        var lines = await Task.WhenAll(entries.Select(async entry =>
        {
            try
            {
                return new FederationLine(entry, await Grain(entry.Name).GetAsync(cancellationToken), "");
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                return new FederationLine(entry, null, error.GetBaseException().Message.ReplaceLineEndings(" "));
            }
        }));
        return [.. lines.OrderBy(line => Order(line.Entry.State)).ThenByDescending(line => line.Entry.CreatedAt)];
    }

    /// <exception cref="RefusedException"><c>federation-unknown</c>.</exception>
    internal Task<FederationView> ViewAsync(string name, CancellationToken cancellationToken) => Grain(name).GetAsync(cancellationToken);

    /// <exception cref="RefusedException"><c>federation-unknown</c>: the name is blank.</exception>
    internal IFederationGrain Grain(string name) => grains.GetGrain<IFederationGrain>(FederationKey.Of(name));

    /// <summary>Committed rounds up to one, newest first.</summary>
    /// <param name="view">The federation.</param>
    /// <param name="upTo">The newest wanted; null: the newest there is.</param>
    /// <param name="most">How many at most.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    internal async Task<IReadOnlyList<RoundSummary>> RoundsAsync(FederationView view, int? upTo, int most,
        CancellationToken cancellationToken)
    {
        var newest = Math.Min(upTo ?? view.RoundsDone, view.RoundsDone);
        var rounds = new List<RoundSummary>();
        for (var round = newest; round >= 1 && rounds.Count < most; round--)
        {
            if (await RoundAsync(view, round, cancellationToken) is { } summary)
                rounds.Add(summary);
        }

        return rounds;
    }

    /// <summary>One committed round; null where there is none of that number.</summary>
    internal async Task<RoundSummary?> RoundAsync(FederationView view, int round, CancellationToken cancellationToken)
    {
        if (round < 1 || round > view.RoundsDone)
            return null;
        if (view.History is [var first, ..] && round >= first.Round)
            return view.History.FirstOrDefault(summary => summary.Round == round);
        var page = (round - 1) / FederationStanding.PageSize;
        var read = await grains.GetGrain<IHistoryPageGrain>(HistoryPageGrain.Key(view.Definition.Name, page)).ReadAsync(cancellationToken);
        return read.FirstOrDefault(summary => summary.Round == round);
    }

    /// <summary>Which of the last rounds of these federations left a node out, and why; newest first.</summary>
    internal async Task<IReadOnlyList<LeftOutRound>> LeftOutAsync(string nodeId, IEnumerable<string> federations, int most,
        CancellationToken cancellationToken)
    {
        var found = new List<LeftOutRound>();
        foreach (var name in federations.Take(MostFederations))
        {
            var view = await FindAsync(name, cancellationToken);
            if (view is null)
                continue;
            foreach (var now in view.Excluded.Where(node => node.NodeId == nodeId))
                found.Add(new LeftOutRound(name, view.RoundsDone + 1, null, now.Reason));
            foreach (var round in await RoundsAsync(view, null, RoundsSearched, cancellationToken))
            {
                if ((await records.FindAsync(round, cancellationToken))?.Excluded.FirstOrDefault(node => node.NodeId == nodeId) is { } out_)
                    found.Add(new LeftOutRound(name, round.Round, round.OpenedAt, out_.Reason));
            }
        }

        return [.. found.OrderByDescending(round => round.At ?? DateTimeOffset.MaxValue).Take(most)];
    }

    private async Task<FederationView?> FindAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await ViewAsync(name, cancellationToken);
        }
        catch (RefusedException refused) when (refused.Code == RefusalCodes.FederationUnknown)
        {
            return null;
        }
    }

    private static int Order(FederationState state) => state switch
    {
        FederationState.Running => 0,
        FederationState.Paused => 1,
        FederationState.Created => 2,
        _ => 3,
    };
}

/// <summary>A federation in the list.</summary>
/// <param name="Entry">As it is registered.</param>
/// <param name="View">Null where it cannot be read.</param>
/// <param name="Problem">Why it cannot be read.</param>
public sealed record FederationLine(FederationEntry Entry, FederationView? View, string Problem);
