namespace FedLora.Benchmarks;

/// <summary>One measured figure.</summary>
/// <param name="Name">Stable name of the row, e.g. <c>smollm2-f32</c>.</param>
/// <param name="Value">Our figure, in <paramref name="Unit"/>.</param>
/// <param name="Unit">E.g. <c>tokens/s</c>, <c>ms</c>, <c>MB/s</c>, <c>MiB</c>.</param>
/// <param name="Peer">What it was measured against in the same run; null where there is nothing to compare with.</param>
/// <param name="Ratio">Above 1 = better than the peer, whichever way the unit points; null without a peer.</param>
public sealed record BenchRow(string Name, double Value, string Unit, string? Peer = null, double? Ratio = null);
