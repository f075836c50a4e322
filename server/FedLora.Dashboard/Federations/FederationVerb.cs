namespace FedLora.Dashboard.Federations;

/// <summary>What an operator can do with a federation, and what it means.</summary>
/// <param name="Name">In the address.</param>
/// <param name="Title">On the button.</param>
/// <param name="Meaning">What follows, before it is confirmed.</param>
/// <param name="From">In which states it is offered.</param>
/// <param name="DoAsync">Does it.</param>
public sealed record FederationVerb(string Name, string Title, string Meaning, IReadOnlyList<FederationState> From, Func<IFederationGrain,
    CancellationToken, Task> DoAsync)
{
    /// <summary>Starts, or goes on.</summary>
    public static FederationVerb Start { get; } =
        new("start", "Start",
            "It opens a round as soon as enough nodes are there. Nodes train, and under privacy terms their data sets spend.",
        [FederationState.Created, FederationState.Paused], (federation, cancellationToken) => federation.StartAsync(cancellationToken));

    private static readonly FederationVerb Pause =
        new("pause", "Pause",
            "The open round is left to its repetition; updates that are in stay and count when it goes on. What was spent stays spent.",
        [FederationState.Running], (federation, cancellationToken) => federation.PauseAsync("paused by an operator", cancellationToken));

    private static readonly FederationVerb Stop =
        new("stop", "Stop for good", "It ends and cannot be started again. Its adapter stays and can be downloaded.",
        [FederationState.Created, FederationState.Running, FederationState.Paused], (federation, cancellationToken) =>
            federation.StopAsync("stopped by an operator", cancellationToken));

    /// <summary>Those offered in a state.</summary>
    internal static IEnumerable<FederationVerb> In(FederationState state) =>
        ((FederationVerb[])[Start, Pause, Stop]).Where(verb => verb.From.Contains(state));

    /// <exception cref="RefusedException"><c>round-unknown</c>: there is no such page.</exception>
    internal static FederationVerb Of(string name) => ((FederationVerb[])[Start, Pause, Stop]).FirstOrDefault(verb => verb.Name == name)
        ?? throw new RefusedException(RefusalCodes.FederationUnknown, $"There is no page '{name}' of a federation.",
            "Start, pause and stop are.");
}
