using OpenTelemetry.Metrics;

namespace FedLora.Dashboard.Hosting;

/// <summary>How many combinations of tags OpenTelemetry keeps of an instrument.</summary>
public static class MeterRoom
{
    // Kestrel's, Orleans' and the runtime's some hundred instruments have a few dozen each; room for OpenTelemetry's 2,000 of each would be
    // 20 MB from the start.
    private const int OfOthers = 200;

    /// <summary>Its default for this program's own instruments, which have tags by node and data set; less for those of others.</summary>
    public static MeterProviderBuilder AddMeterRoom(this MeterProviderBuilder metrics) => metrics.AddView(instrument =>
        instrument.Meter.Name.StartsWith("FedLora.", StringComparison.Ordinal) ? null
            : new MetricStreamConfiguration { CardinalityLimit = OfOthers });
}
