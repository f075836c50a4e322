namespace FedLora.Grains.Nodes;

/// <content>What it asks the federations, and tells them.</content>
public sealed partial class NodeGrain
{
    private const int MostLooks = 2;
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(5);
    private WorkShares _shares = new();

    public async Task<TrainingTask[]> TasksAsync(CancellationToken cancellationToken)
    {
        await ActiveAsync();
        var tasks = new List<TrainingTask>();
        foreach (var entry in await FederationsAsync())
        {
            if (await AskAsync(entry.Name, federation => federation.TaskOfAsync(Id, cancellationToken), _ => null) is { } task)
                tasks.Add(task);
        }

        return [.. tasks];
    }

    /// <summary>All federations that may have work.</summary>
    private async Task<PollReply> AskFederationsAsync(NodePoll poll, CancellationToken cancellationToken)
    {
        for (var again = 0; ; again++)
        {
            var (waiting, looking) = (new List<string>(), new List<string>());
            foreach (var entry in _shares.InTurn(await FederationsAsync()))
            {
                // A poll that was under way when the node was revoked makes it known to no further federation.
                await ActiveAsync();
                var here = new NodePresence
                {
                    NodeId = Id,
                    Name = node.State.Name,
                    Group = node.State.Group,
                    Start = poll.Start,
                    Profile = poll.Profile,
                    Refused = poll.Refused.GetValueOrDefault(entry.Name, ""),
                };
                var reply = await AskAsync(entry.Name, federation => federation.CheckInAsync(here, cancellationToken),
                    why => new() { WaitingFor = $"{entry.Name}: {why}" });
                if (reply.Task is not null)
                {
                    _shares.Note(reply.Task);
                    return reply;
                }

                waiting.Add(reply.WaitingFor);
                if (reply.Looking)
                    looking.Add(entry.Name);
            }

            // Whose budgets are just being asked for may have work in a moment.
            if (looking.Count == 0 || again == MostLooks)
                return new() { WaitingFor = waiting.Count == 0 ? "no federation has work" : string.Join("; ", waiting) };
            Task looked = Task.WhenAny(
                looking.Select(name => GrainFactory.GetGrain<IFederationGrain>(name).LookedAsync(cancellationToken)));
            await looked.WaitAsync(LongestLook, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Tells all federations something of the node, whether its caller waits for that or not.</summary>
    private async Task TellFederationsAsync(Func<IFederationGrain, Task> tell)
    {
        foreach (var entry in await FederationsAsync())
        {
            await AskAsync(entry.Name, async federation =>
            {
                await tell(federation);
                return true;
            }, _ => false);
        }
    }

    private async Task<IEnumerable<FederationEntry>> FederationsAsync() =>
        (await GrainFactory.GetGrain<IRegistryGrain>(IRegistryGrain.Key).ListFederationsAsync(CancellationToken.None))
            .Where(entry => entry.State is not (FederationState.Finished or FederationState.Stopped));

    /// <summary>One federation that is damaged or does not answer is named, and keeps nobody from the others.</summary>
    private async Task<T> AskAsync<T>(string name, Func<IFederationGrain, Task<T>> ask, Func<string, T> otherwise)
    {
        try
        {
            return await ask(GrainFactory.GetGrain<IFederationGrain>(name));
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            log.FederationFailed(error, name, Id);
            return otherwise($"it cannot be read now ({error.GetBaseException().Message.ReplaceLineEndings(" ")})");
        }
    }
}
