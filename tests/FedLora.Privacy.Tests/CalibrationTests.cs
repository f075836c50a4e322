using FedLora.Privacy.Rdp;

namespace FedLora.Privacy.Tests;

public sealed class CalibrationTests(ITestOutputHelper output)
{
    [Fact]
    [Trait("Category", "Fixtures")]
    public void Noise_agrees_with_the_references_and_keeps_the_promise()
    {
        foreach (var item in AccountingFixtures.Section("calibration"))
        {
            var (epsilon, delta) = (item.GetProperty("eps_target").GetDouble(), item.GetProperty("delta").GetDouble());
            var (q, steps) = (item.GetProperty("q").GetDouble(), item.GetProperty("T").GetInt64());
            var watch = System.Diagnostics.Stopwatch.StartNew();
            var pld = Calibration.NoiseMultiplier(Accountants.Default, epsilon, delta, q, steps);
            output.WriteLine($"{item.GetProperty("id")} sigma {pld:R} in {watch.Elapsed.TotalSeconds:0.00} s");
            Assert.True(Accountants.Default.Epsilon([new(pld, q, steps)], delta).Epsilon <= epsilon);
            if (AccountingFixtures.Number(item, "sigma_pld_google") is { } google)
                Assert.Equal(google, pld, google * 2e-4);
            if (AccountingFixtures.Number(item, "sigma_rdp_root") is { } root)
                Assert.Equal(root, Calibration.NoiseMultiplier(new RdpAccountant(), epsilon, delta, q, steps), root * 1e-5);
            else
                Assert.Equal("privacy-budget-too-small",
                    Assert.Throws<FedLoraException>(() => Calibration.NoiseMultiplier(new RdpAccountant(), epsilon, delta, q, steps)).Code);
        }
    }

    [Theory]
    [InlineData(1.0, 0.01, 2, 1e-5)]
    [InlineData(0.8, 0.05, 6, 1e-6)]
    public void Steps_are_the_largest_number_that_fits(double sigma, double q, double epsilon, double delta)
    {
        foreach (var accountant in new[] { Accountants.Default, new RdpAccountant() })
        {
            var steps = Calibration.Steps(accountant, epsilon, delta, sigma, q);
            Assert.True(accountant.Epsilon([new(sigma, q, steps)], delta).Epsilon <= epsilon);
            Assert.True(accountant.Epsilon([new(sigma, q, steps + 1)], delta).Epsilon > epsilon);
        }
    }

    [Fact]
    public void The_past_counts()
    {
        SampledGaussian[] past = [new(2, 0.02, 500)];
        var alone = Calibration.Steps(Accountants.Default, 2, 1e-5, 1, 0.01);
        var after = Calibration.Steps(Accountants.Default, 2, 1e-5, 1, 0.01, past);
        Assert.InRange(after, 1, alone - 1);
        Assert.Equal(0, Calibration.Steps(Accountants.Default, 0.5, 1e-5, 1, 0.01, past));
        Assert.Equal("privacy-budget-too-small",
            Assert.Throws<FedLoraException>(() => Calibration.NoiseMultiplier(Accountants.Default, 0.5, 1e-5, 0.01, 10, past)).Code);
    }

    /// <summary>"Raise epsilon" was said where another accountant can: nobody has to give more away for that.</summary>
    [Theory]
    [InlineData("prv", 0.02, 0.01, 1000, 1e-5)]
    [InlineData("prv", 0.001, 1, 1, 1e-5)]
    [InlineData("prv", 1e-9, 1e-6, 1_000_000, 1e-9)]
    [InlineData("rdp", 1e-4, 0.01, 1000, 1e-9)]
    public void An_epsilon_that_only_this_accountant_cannot_show_is_referred_to_pld(string name, double epsilon, double q, long steps,
        double delta)
    {
        var error = Assert.Throws<FedLoraException>(() => Calibration.NoiseMultiplier(Accountants.Get(name), epsilon, delta, q, steps));
        Assert.Equal("privacy-budget-too-small", error.Code);
        Assert.Contains("use --accountant pld", error.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain("aise epsilon", error.Hint, StringComparison.Ordinal);
        var sigma = Calibration.NoiseMultiplier(Accountants.Default, epsilon, delta, q, steps);
        Assert.InRange(Accountants.Default.Epsilon([new(sigma, q, steps)], delta).Epsilon, 0, epsilon);
    }

    /// <summary>It was sigma 4589, which spends nothing.</summary>
    [Theory]
    [InlineData(0.021, 0.001, 10, 1e-5)]
    [InlineData(0.03, 0.5, 100, 1e-9)]
    [InlineData(0.05, 0.02, 500, 1e-6)]
    public void Noise_by_prv_spends_what_may_be_spent(double epsilon, double q, long steps, double delta)
    {
        var sigma = Calibration.NoiseMultiplier(Accountants.Get("prv"), epsilon, delta, q, steps);
        Assert.InRange(Accountants.Get("prv").Epsilon([new(sigma, q, steps)], delta).Epsilon, 0.95 * epsilon, epsilon);
    }

    /// <summary>The published setting of FFA-LoRA: n = 67349/3, batch 200, 10,000 steps, sigma 0.99, delta 1e-5.</summary>
    [Fact]
    public void Ffa_lora_as_published()
    {
        SampledGaussian[] run = [new(0.99, 200 / (67349 / 3.0), 10_000)];
        Assert.Equal(5.9908, Accountants.Get("rdp").Epsilon(run, 1e-5).Epsilon, 5e-5);
        Assert.Equal(5.51525, Accountants.Get("pld").Epsilon(run, 1e-5).Epsilon, 1e-4);
    }
}
