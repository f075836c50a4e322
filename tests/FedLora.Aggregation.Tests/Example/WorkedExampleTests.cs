using FedLora.Tests;

namespace FedLora.Aggregation.Tests.Example;

/// <summary>The method that <c>docs/methods.md</c> adds as an example is real: it compiles, works, and the page shows that file.</summary>
public sealed class WorkedExampleTests
{
    [Fact]
    public void ThePageShowsTheFileThatCompiles()
    {
        var page = File.ReadAllText(Path.Combine(Fixtures.Repository, "docs", "methods.md"));
        var code = File.ReadAllText(Path.Combine(Fixtures.Repository, "tests", "FedLora.Aggregation.Tests", "Example", "HalfStep.cs"));
        Assert.Contains($"```csharp\n{code}```", page, StringComparison.Ordinal);
    }

    [Fact]
    public void ThePageNamesEveryMethodWithItsEquation()
    {
        var page = File.ReadAllText(Path.Combine(Fixtures.Repository, "docs", "methods.md"));
        Assert.All(Methods.All, method => Assert.Contains($"| `{method.Name}` |", page, StringComparison.Ordinal));
    }

    [Fact]
    public void TheExampleGoesHalfOfTheWay()
    {
        var (method, round) = (new HalfStep(), new GeneratedRound(3, 3, 2, 1, [(6, 5)]));
        var global = round.Global(method);
        var whole = Methods.Get("fedit").Aggregate(global, round.Updates(method, global), round.Options, default).Global;
        var half = method.Aggregate(global, round.Updates(method, global), round.Options, default);
        foreach (var tensor in half.Global)
            AggregationCase.Near(tensor.Name, [.. whole[tensor.Name].Values.Zip(global[tensor.Name].Values, (w, g) => ((double)w + g) / 2)],
                Naive.Doubles(tensor), 1e-6);
        Assert.True(half.Report.RelativeError > 0);
    }
}
