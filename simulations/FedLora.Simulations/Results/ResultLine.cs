using System.Globalization;
using FedLora.Simulations.Running;

namespace FedLora.Simulations.Results;

/// <summary>
/// A committed round, as <c>results.jsonl</c> and <c>results.csv</c> have it. Nothing in it depends on the machine's clock.
/// </summary>
public sealed record ResultLine
{
    public required int Round { get; init; }

    /// <summary>From 1; more where the round was repeated.</summary>
    public required int Attempt { get; init; }

    /// <summary>Virtual time of its commit, s after the start.</summary>
    public required double Seconds { get; init; }

    /// <summary>From its last opening to its commit, s.</summary>
    public required double Duration { get; init; }

    /// <summary>Nodes that had a task.</summary>
    public required int Sampled { get; init; }

    public required int Updates { get; init; }

    /// <summary>Tasks that failed, were refused, or of which nothing was heard.</summary>
    public required int Lost { get; init; }

    /// <summary>Mean training loss as the coordinator knows it; null under privacy.</summary>
    public double? Loss { get; init; }

    /// <summary>Share of the held-out labels that the global adapter puts first; null where it was not evaluated.</summary>
    public double? Accuracy { get; init; }

    public double? MacroF1 { get; init; }

    /// <summary>Mean cross-entropy of the held-out labels, nats.</summary>
    public double? HeldOutLoss { get; init; }

    /// <summary>Of all updates that arrived.</summary>
    public required long BytesUp { get; init; }

    /// <summary>To all nodes that had a task.</summary>
    public required long BytesDown { get; init; }

    /// <summary>Both, of all rounds so far.</summary>
    public required long BytesTotal { get; init; }

    /// <summary>The largest epsilon that any node has spent; null without privacy.</summary>
    public double? Epsilon { get; init; }

    /// <summary>||mean of the products - new product|| / ||mean of the products||; null where the method does not define it.</summary>
    public double? AggregationError { get; init; }

    /// <summary>Its standard error where it is an estimate; null where it is exact.</summary>
    public double? AggregationStandardError { get; init; }

    /// <summary>SHA-256 of the global adapter.</summary>
    public required string Adapter { get; init; }

    internal static ResultLine Of(RoundOutcome outcome, long bytesBefore)
    {
        var (summary, down) = (outcome.Summary, outcome.Work.Sum(work => work.BytesDown));
        return new()
        {
            Round = summary.Round,
            Attempt = summary.Attempt,
            Seconds = outcome.Seconds,
            Duration = (summary.CommittedAt - summary.OpenedAt).TotalSeconds,
            Sampled = outcome.Work.Count,
            Updates = summary.Updates,
            Lost = outcome.Work.Count(work => work.End is WorkEnd.Failed or WorkEnd.Refused or WorkEnd.Missing),
            Loss = summary.Loss,
            Accuracy = outcome.Score?.Accuracy,
            MacroF1 = outcome.Score?.MacroF1,
            HeldOutLoss = outcome.Score?.Loss,
            BytesUp = summary.BytesUp,
            BytesDown = down,
            BytesTotal = bytesBefore + summary.BytesUp + down,
            Epsilon = outcome.Epsilon,
            AggregationError = summary.AggregationError,
            AggregationStandardError = summary.AggregationStandardError,
            Adapter = summary.Adapter.Sha256,
        };
    }

    internal const string CsvHeader =
        "round,attempt,seconds,duration,sampled,updates,lost,loss,accuracy,macro_f1,held_out_loss,bytes_up,bytes_down,bytes_total,epsilon,"
            + "aggregation_error,adapter,aggregation_standard_error";

    internal string ToCsv() => string.Create(CultureInfo.InvariantCulture,
        $"{Round},{Attempt},{Seconds},{Duration},{Sampled},{Updates},{Lost},{Loss},{Accuracy},{MacroF1},{HeldOutLoss},{BytesUp},"
            + $"{BytesDown},{BytesTotal},{Epsilon},{AggregationError},{Adapter},{AggregationStandardError}");
}

/// <summary>A node's part in a round, as <c>nodes.jsonl</c> has it; times in s after the start.</summary>
public sealed record NodeLine(
    int Round, int Attempt, string Node, string Group, WorkEnd End, int Examples, double? Loss, double Start, double Downloaded,
    double Trained, double? Arrived, string Why)
{
    internal static NodeLine Of(Work work, int examples) => new(
        work.Round, work.Task.Attempt, work.Task.Name, work.Task.Group, work.End, examples, work.Result?.Loss, work.Times.Start,
        work.Times.Downloaded, work.Times.Trained,
        double.IsFinite(work.Times.End) ? work.Times.End : null, work.Why);
}
