namespace FedLora.Core.Audit;

/// <summary>Something that happened, as a line of an <see cref="AuditLog"/>.</summary>
/// <param name="Sequence">1, 2, 3, ... over all files of the log.</param>
/// <param name="At">When, by the clock of the machine that wrote it.</param>
/// <param name="Level">information, warning, error or critical.</param>
/// <param name="Event">Which kind: the name of the log message, e.g. <c>Committed</c>.</param>
/// <param name="Message">For people; one line.</param>
/// <param name="Fields">What the message is about: <c>federation</c>, <c>round</c>, <c>node</c>, <c>actor</c>, ...</param>
/// <param name="Previous">The hash of the entry before; of the first, 64 zeros.</param>
public sealed record AuditEntry(long Sequence, DateTimeOffset At, string Level, string Event, string Message,
    IReadOnlyDictionary<string, string> Fields, string Previous)
{
    /// <summary>SHA-256 in lower-case hex, over the line that the entry is, without the hash itself.</summary>
    public string Hash { get; init; } = "";
}
