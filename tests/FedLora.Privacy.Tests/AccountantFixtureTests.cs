using System.Diagnostics;
using FedLora.Privacy.Prv;
using FedLora.Privacy.Rdp;

namespace FedLora.Privacy.Tests;

/// <summary>The three accountants against other people's numbers.</summary>
[Trait("Category", "Fixtures")]
public sealed class AccountantFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void Pld_encloses_the_truth_tightly() => ForAll((test, wrong) =>
    {
        if (AccountingFixtures.Number(test.Item, "true_low") is not { } low
            || AccountingFixtures.Number(test.Item, "true_up") is not { } up)
            return 0;
        var bound = Accountants.Default.Epsilon(test.Runs, test.Delta);
        if (!(bound.Epsilon >= low))
            wrong($"upper {bound.Epsilon:R} below the true {low:R}");
        if (!(bound.Epsilon <= up * (1 + 1e-4)))
            wrong($"upper {bound.Epsilon:R} above {up:R}");
        if (!(bound.Lower <= up))
            wrong($"lower {bound.Lower:R} above the true {up:R}");
        if (!(bound.Lower >= low * (1 - 1e-4)))
            wrong($"lower {bound.Lower:R} below {low:R}");
        return (bound.Epsilon - up) / up;
    });

    [Fact]
    public void Rdp_agrees_with_opacus_to_2e_6() => ForAll((test, wrong) =>
    {
        if (AccountingFixtures.Number(test.Item, "rdp_opacus") is not { } expected)
            return 0;
        var bound = new RdpAccountant().Epsilon(test.Runs, test.Delta);
        if (!(Math.Abs(bound.Epsilon - expected) <= 2e-6 * expected))
            wrong($"{bound.Epsilon:R} instead of {expected:R}");
        return Math.Abs(bound.Epsilon - expected) / expected;
    });

    [Fact]
    public void Prv_agrees_with_opacus_to_1e_3() => ForAll((test, wrong) =>
    {
        // Grids of several million points take seconds each; they are the same code.
        if (AccountingFixtures.Number(test.Item, "prv_opacus") is not { } expected || test.Refutes("prv_opacus")
            || AccountingFixtures.Number(test.Item, "prv_grid_points") > 500_000)
            return 0;
        var bound = new PrvAccountant().Epsilon(test.Runs, test.Delta);
        if (!(Math.Abs(bound.Epsilon - expected) <= 1e-3 * Math.Min(1, expected)))
            wrong($"{bound.Epsilon:R} instead of {expected:R}");
        return Math.Abs(bound.Epsilon - expected) / Math.Min(1, expected);
    });

    [Fact]
    public void Renyi_divergences_are_exact_to_1e_9()
    {
        double worst = 0;
        foreach (var item in AccountingFixtures.Section("rdp_values"))
        {
            var (sigma, q) = (item.GetProperty("sigma").GetDouble(), item.GetProperty("q").GetDouble());
            foreach (var (order, expected) in item.GetProperty("alphas").EnumerateArray()
                .Zip(item.GetProperty("rdp_exact").EnumerateArray()))
                worst = Math.Max(worst, Math.Abs(RdpAccountant.Divergence(sigma, q, order.GetDouble()) / expected.GetDouble() - 1));
        }
        output.WriteLine($"largest relative deviation {worst:E2}");
        Assert.True(worst <= 1e-9, $"{worst:E2}");
    }

    private void ForAll(Func<AccountingFixtures.Case, Action<string>, double> check)
    {
        var (wrong, worst, slowest, total) = (new List<string>(), (Value: 0.0, Id: ""), (Value: 0.0, Id: ""), Stopwatch.StartNew());
        foreach (var test in AccountingFixtures.Cases())
        {
            var watch = Stopwatch.StartNew();
            var deviation = check(test, message => wrong.Add($"{test.Id}: {message}"));
            worst = deviation > worst.Value ? (deviation, test.Id) : worst;
            slowest = watch.Elapsed.TotalSeconds > slowest.Value ? (watch.Elapsed.TotalSeconds, test.Id) : slowest;
        }
        output.WriteLine(
            $"largest relative deviation {worst.Value:E2} ({worst.Id}), slowest {slowest.Value:0.000} s ({slowest.Id}), all "
                + $"{total.Elapsed.TotalSeconds:0.0} s");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }
}
