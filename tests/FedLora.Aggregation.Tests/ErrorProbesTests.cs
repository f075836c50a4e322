using FedLora.Adapters;

namespace FedLora.Aggregation.Tests;

/// <summary>The estimate of the aggregation error, and what it says of its own error.</summary>
public sealed class ErrorProbesTests : IDisposable
{
    private static readonly GeneratedRound Generated = new(11, 24, 3, 1, [.. Enumerable.Repeat((40, 30), 12)]);
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-probes-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("fedit")]
    [InlineData("hetlora")]
    public void TheErrorLiesWhereTheEstimateSays(string name)
    {
        var method = Methods.Get(name);
        var global = Generated.Global(method);
        var updates = Generated.Updates(method, global);
        var result = method.Aggregate(global, updates, Generated.Options, default);
        var exact = Exact(method, global, result);
        var estimates = Enumerable.Range(0, 300).Select(seed =>
        {
            var report = method.Aggregate(global, updates, Generated.Options with { Seed = (ulong)seed }, default).Report;
            return (Error: report.RelativeError!.Value, StandardError: report.StandardError!.Value);
        }).ToArray();

        // Of a normal variable 95.4 % lie within two standard errors; with so many seeds, between 92 and 98.
        var within = estimates.Count(e => Math.Abs(e.Error - exact) <= 2 * e.StandardError) / 300.0;
        Assert.InRange(within, 0.90, 0.985);
        // Squares are estimated without bias, and the standard error is neither too wide nor too narrow.
        var mean = Math.Sqrt(estimates.Average(e => e.Error * e.Error));
        var scatter = Math.Sqrt(estimates.Average(e => (e.Error - exact) * (e.Error - exact)));
        Assert.InRange(mean, exact - (scatter / 4), exact + (scatter / 4));
        Assert.InRange(estimates.Average(e => e.StandardError), 0.85 * scatter, 1.15 * scatter);
    }

    [Fact]
    public void TheEstimateDependsOnNeitherThreadsNorOrderNorWhereUpdatesLie()
    {
        var method = Methods.Get("fedit");
        var global = Generated.Global(method);
        var updates = Generated.Updates(method, global);
        var stored = updates.Select(update =>
        {
            var path = Path.Combine(_folder, update.Node);
            using var reader = update.Open();
            new AdapterState(reader.Shapes.Select(t => new AdapterTensor(t.Key, t.Value, reader.InPlace(t.Key)!.Value.ToArray())))
                .Save(path);
            return new StreamUpdate(update.Node, update.Examples, () => File.OpenRead(path));
        });
        var one = method.Aggregate(global, updates, Generated.Options with { Threads = 1 }, default);
        var two = method.Aggregate(global, new UpdateSet(stored.Reverse()), Generated.Options with { Threads = 4 }, default);
        Assert.Equal(one.Global.ToBytes(), two.Global.ToBytes());
        Assert.Equal((one.Report.RelativeError, one.Report.StandardError), (two.Report.RelativeError, two.Report.StandardError));
        Assert.True(one.Report.StandardError > 0);
    }

    [Fact]
    public void EqualUpdatesShowNoMoreThanRounding()
    {
        var method = Methods.Get("fedit");
        var global = Generated.Global(method);
        var report = method.Aggregate(global, Generated.Updates(method, global, equal: true), Generated.Options, default).Report;
        Assert.NotNull(report.StandardError);
        Assert.InRange(report.RelativeError!.Value, 0, 1e-7);
    }

    private static double Exact(IFederatedMethod method, AdapterState global, AggregationResult result)
    {
        var pairs = Generated.Layout.Modules
            .Select(m => (Mean: Generated.MeanProduct(method, global, m), New: Generated.NewProduct(result, m))).ToArray();
        return Math.Sqrt(pairs.Sum(p => Math.Pow(Naive.Distance(p.Mean, p.New), 2)) / pairs.Sum(p => Math.Pow(Naive.Norm(p.Mean), 2)));
    }
}
