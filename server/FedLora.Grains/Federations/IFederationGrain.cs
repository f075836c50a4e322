using Orleans.Concurrency;

namespace FedLora.Grains.Federations;

/// <summary>One federation; the key is its name. Refusals are <see cref="RefusedException"/>.</summary>
public interface IFederationGrain : IGrainWithStringKey
{
    /// <summary>
    /// Stores what <see cref="FederationCreator"/> has checked, calibrated and made; called by <see cref="IRegistryGrain"/>.
    /// </summary>
    Task<FederationView> CreateAsync(FederationDefinition definition, AdapterRef adapter, NodePrivacy[] privacy,
        CancellationToken cancellationToken);

    /// <summary>Starts, or goes on after a pause.</summary>
    [Repeatable]
    Task<FederationView> StartAsync(CancellationToken cancellationToken);

    /// <summary>The open round is abandoned to its repetition; updates that are in stay and count when it goes on.</summary>
    [Repeatable]
    Task<FederationView> PauseAsync(string reason, CancellationToken cancellationToken);

    /// <summary>Ends the federation for good; the global adapter stays.</summary>
    [Repeatable]
    Task<FederationView> StopAsync(string reason, CancellationToken cancellationToken);

    /// <summary>
    /// Changes cohort and retention from the next sampling on; refuses with <c>federation-invalid</c> whatever else differs, by name.
    /// </summary>
    [Repeatable]
    Task<FederationView> ChangeAsync(FederationDefinition wanted, CancellationToken cancellationToken);

    /// <summary>
    /// Forgets a federation that is not at work; called by <see cref="IRegistryGrain"/>. Its blobs go with the clean-up, the nodes'
    /// receipts stay.
    /// </summary>
    Task DeleteAsync(CancellationToken cancellationToken);

    [Repeatable]
    Task<FederationView> GetAsync(CancellationToken cancellationToken);

    /// <summary>Has it in memory, so that it keeps its own deadlines.</summary>
    [AlwaysInterleave, Repeatable]
    Task PingAsync(CancellationToken cancellationToken);

    /// <summary>Grows with every change of what <see cref="GetAsync"/> shows.</summary>
    [AlwaysInterleave, Repeatable]
    Task<long> VersionAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Waits until the version differs from <paramref name="knownVersion"/> (0 = none known), at most <paramref name="wait"/> (up to one
    /// minute), then returns the view.
    /// </summary>
    [AlwaysInterleave, ResponseTimeout("00:02:00"), Repeatable]
    Task<VersionedView> WatchAsync(long knownVersion, TimeSpan wait, CancellationToken cancellationToken);

    /// <summary>
    /// Called by a node's grain with each poll: notes that the node is there; returns its task, if it has one, or what is waited for.
    /// </summary>
    [Repeatable]
    Task<PollReply> CheckInAsync(NodePresence presence, CancellationToken cancellationToken);

    /// <summary>The node's task, if it has one now.</summary>
    [AlwaysInterleave, Repeatable]
    Task<TrainingTask?> TaskOfAsync(string nodeId, CancellationToken cancellationToken);

    /// <summary>Ends when the privacy budgets that are being asked for are known; ask again then.</summary>
    [AlwaysInterleave, Repeatable]
    Task LookedAsync(CancellationToken cancellationToken);

    /// <summary>Called by a node's grain that was revoked: it delivers no more and is not sampled again.</summary>
    [Repeatable]
    Task NodeRevokedAsync(string nodeId, CancellationToken cancellationToken);

    /// <summary>
    /// Called by a node's grain whose connection has ended: until it is heard of again it is not there to be sampled. Its part in an open
    /// round stays.
    /// </summary>
    [Repeatable]
    Task NodeLeftAsync(string nodeId, CancellationToken cancellationToken);

    /// <summary>Called by a node's grain: progress of the task, or its failure.</summary>
    [Repeatable]
    Task<StatusReply> ReportAsync(string nodeId, StatusReport report, CancellationToken cancellationToken);

    /// <summary>
    /// First half of taking an update: refuses what may not be sent, says what it must look like. Use <c>UpdateReceiver</c>.
    /// </summary>
    [Repeatable]
    Task<UpdateExpectation> BeginUpdateAsync(UpdateHeader header, CancellationToken cancellationToken);

    /// <summary>
    /// Second half, for those that have come meanwhile: their bytes are checked and durable. All are recorded by one write; when this
    /// returns those without a refusal are acknowledged.
    /// </summary>
    /// <returns>For each in turn why it is not wanted after all; null where it is recorded.</returns>
    [Repeatable]
    Task<Refusal?[]> CommitUpdatesAsync(UpdateHeader[] headers, CancellationToken cancellationToken);

    /// <summary>The stored record of a committed round; refuses with <c>round-unknown</c>.</summary>
    [Repeatable]
    Task<RoundRecord> GetRoundAsync(int round, CancellationToken cancellationToken);

    /// <summary>The global adapter after a round, 0: the one that all began with; refuses with <c>round-unknown</c>.</summary>
    [Repeatable]
    Task<AdapterRef> AdapterAfterAsync(int round, CancellationToken cancellationToken);

    /// <summary>
    /// The products to fold into the base weights for the global adapter after a round: of the newest as few as may be, of an earlier one
    /// each round's; refuses with <c>round-unknown</c>.
    /// </summary>
    [Repeatable]
    Task<AdapterRef[]> FoldsAfterAsync(int round, CancellationToken cancellationToken);

    /// <summary>Which of these blobs the federation refers to; for <see cref="IJanitorGrain"/>.</summary>
    [AlwaysInterleave, Repeatable]
    Task<string[]> RefersToAsync(string[] hashes, CancellationToken cancellationToken);

    /// <summary>The names of all blobs that the federation still refers to; for <see cref="IJanitorGrain"/>.</summary>
    [AlwaysInterleave, Repeatable]
    Task<IReadOnlyList<string>> KeptBlobsAsync(CancellationToken cancellationToken);
}
