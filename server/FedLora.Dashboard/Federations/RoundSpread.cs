namespace FedLora.Dashboard.Federations;

/// <summary>A committed round, and how far its nodes lie apart.</summary>
/// <param name="Round">As it is listed.</param>
/// <param name="Loss">The least and the most of the nodes' losses; null where none were sent (under privacy none are) or the record is
/// gone.</param>
/// <param name="Slowest">The longest training of a node, seconds; null where none is told.</param>
/// <param name="LeftOut">How many nodes could not be sampled.</param>
/// <param name="Cohort">How many were.</param>
public sealed record RoundSpread(RoundSummary Round, (double Least, double Most)? Loss, double? Slowest, int? LeftOut, int? Cohort)
{
    internal static RoundSpread Of(RoundSummary round, RoundRecord? record)
    {
        var losses = record?.Updates.Select(update => update.Header.Loss).OfType<double>().ToList() ?? [];
        var slowest = record?.Updates.Max(update => (double?)update.Header.TrainSeconds);
        return new RoundSpread(round, losses.Count > 0 ? (losses.Min(), losses.Max()) : null, slowest > 0 ? slowest
            : null, record?.Excluded.Count, record?.Cohort.Count);
    }
}
