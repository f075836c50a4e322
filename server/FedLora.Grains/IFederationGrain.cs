namespace FedLora.Grains;

/// <summary>One federation; the key is its name. Refusals are <see cref="RefusedException"/>.</summary>
public interface IFederationGrain : IGrainWithStringKey
{
    /// <summary>Checks and stores the definition and computes the first global adapter. Called through <see cref="IRegistryGrain.CreateFederationAsync"/>.</summary>
    Task<FederationView> CreateAsync(FederationDefinition definition, CancellationToken cancellationToken);

    /// <summary>Starts, or goes on after a pause.</summary>
    Task<FederationView> StartAsync(CancellationToken cancellationToken);

    /// <summary>Stops sampling and closes the round to further tasks; acknowledged updates stay and count when it goes on.</summary>
    Task<FederationView> PauseAsync(string reason, CancellationToken cancellationToken);

    /// <summary>Ends the federation for good; the global adapter stays.</summary>
    Task<FederationView> StopAsync(string reason, CancellationToken cancellationToken);

    Task<FederationView> GetAsync(CancellationToken cancellationToken);

    /// <summary>Waits until the view differs from the one with this version, at most <paramref name="wait"/> (up to one minute), then returns it.</summary>
    [Orleans.Concurrency.AlwaysInterleave, ResponseTimeout("00:02:00")]
    Task<VersionedView> WatchAsync(long knownVersion, TimeSpan wait, CancellationToken cancellationToken);

    /// <summary>Called by the node's grain with each poll: notes that the node is there and returns its task, if it has one.</summary>
    Task<CheckInReply> CheckInAsync(string nodeId, NodePoll poll, CancellationToken cancellationToken);

    /// <summary>The node cannot deliver for this round; it does not have to be waited for.</summary>
    Task ReportFailureAsync(int round, string nodeId, string reason, CancellationToken cancellationToken);

    /// <summary>First half of taking an update: refuses what may not be sent, says what it must look like. Use <c>UpdateReceiver</c>.</summary>
    Task<UpdateExpectation> BeginUpdateAsync(UpdateSubmission submission, CancellationToken cancellationToken);

    /// <summary>Second half: the bytes are checked and durable; when this returns the update is acknowledged.</summary>
    Task CommitUpdateAsync(UpdateSubmission submission, CancellationToken cancellationToken);

    /// <summary>The background aggregation of a round has ended; called by the grain itself.</summary>
    Task CompleteAggregationAsync(AggregationOutcome outcome, CancellationToken cancellationToken);

    /// <summary>The stored record of a committed round.</summary>
    Task<RoundRecord> GetRoundAsync(int round, CancellationToken cancellationToken);
}
