using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using FedLora.Protocol.V1;
using FedLora.Tests;

namespace FedLora.Server.Tests;

public partial class TelemetryTests
{
    [Fact]
    public async Task What_is_counted_is_what_the_page_lists_and_a_round_counts()
    {
        // Every test's coordinator counts in this process; what is asked here is that something does, under these names.
        var published = new HashSet<string>(StringComparer.Ordinal);
        var counted = new HashSet<string>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (!instrument.Meter.Name.StartsWith("FedLora.", StringComparison.Ordinal))
                    return;
                lock (published)
                    published.Add($"{instrument.Meter.Name} {instrument.Name} {instrument.Unit}");
                listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Count(instrument, value));
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Count(instrument, value));
        listener.Start();

        await using var bench = await Bench.StartAsync();
        using var end = new CancellationTokenSource();
        var node = bench.RunNodeAsync("a", await bench.TokenAsync(), new FakeTrainer(1), end.Token);
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        await bench.UntilAsync(view => view.State == FederationState.Finished);
        listener.RecordObservableInstruments();
        await end.CancelAsync();
        await node;

        var page = await File.ReadAllTextAsync(Path.Combine(Fixtures.Repository, "docs", "telemetry.md"),
            TestContext.Current.CancellationToken);
        var meter = "";
        var listed = Row().Matches(page).Select(row =>
        {
            meter = row.Groups["meter"].Success ? row.Groups["meter"].Value : meter;
            return $"{meter} {row.Groups["name"].Value} {row.Groups["unit"].Value}";
        });
        Assert.Equal(listed.Order(StringComparer.Ordinal), published.Order(StringComparer.Ordinal));
        // A round is told of a moment before it is counted.
        await Until.SoAsync("everything is counted that the round counts", () => Uncounted().Length == 0);

        string[] Uncounted()
        {
            lock (counted)
            {
                return [.. published.Select(name => name.Split(' ')[1])
                    .Except(["fedlora.updates.refused", "fedlora.privacy.spent", "fedlora.privacy.left"]).Except(counted)];
            }
        }

        void Count(Instrument instrument, double value)
        {
            lock (counted)
            {
                if (value > 0)
                    counted.Add(instrument.Name);
            }
        }
    }

    [GeneratedRegex(@"^\| (?<meter>FedLora\.\w+)? ?\| `(?<name>fedlora\.[a-z.]+)` \| (?<unit>[^ ]+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
