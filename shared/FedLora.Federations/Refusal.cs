namespace FedLora.Federations;

/// <summary>A request that is refused: a stable word of <see cref="RefusalCodes"/>, what is wrong and where, and what to do.</summary>
public sealed record Refusal(string Code, string Message, string Hint);
