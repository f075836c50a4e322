using FedLora.Simulations.Audit;

namespace FedLora.Simulations.Tests.Audit;

public sealed class PrivacyAuditTests
{
    /// <summary>0 of n: 1 - error^(1/n) above; n of n: error^(1/n) below; else the binomial tails are as large as stated.</summary>
    [Fact]
    public void Rates_are_Clopper_and_Pearsons()
    {
        var (none, all) = (EpsilonBound.Rate(0, 80, 0.025), EpsilonBound.Rate(80, 80, 0.025));
        Assert.Equal(0, none.Low);
        Assert.Equal(1 - Math.Pow(0.025, 1 / 80.0), none.High, 1e-9);
        Assert.Equal(Math.Pow(0.025, 1 / 80.0), all.Low, 1e-9);
        // 8 of 10 at 95 %: 0.4439 to 0.9748, as tables have it.
        var some = EpsilonBound.Rate(8, 10, 0.025);
        Assert.Equal(0.4439, some.Low, 5e-5);
        Assert.Equal(0.9748, some.High, 5e-5);
    }

    [Fact]
    public void Equal_worlds_show_nothing_and_separate_ones_as_much_as_so_many_runs_can()
    {
        var random = new Random(1);
        double[] Normal(double mean) =>
            [.. Enumerable.Range(0, 1000)
                .Select(_ => mean + Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))];
        Assert.InRange(EpsilonBound.Of(Normal(0), Normal(0), 1e-5), 0, 0.3);
        Assert.Equal(Math.Log((Math.Pow(0.025, 1 / 800.0) - 1e-5) / (1 - Math.Pow(0.025, 1 / 800.0))),
            EpsilonBound.Of(Normal(100), Normal(0), 1e-5), 1e-6);
        // A Gaussian mechanism with sigma 1 spends epsilon 4.38 at delta 1e-5: below that, and well above nothing.
        Assert.InRange(EpsilonBound.Of(Normal(1), Normal(0), 1e-5), 0.5, 4.38);
    }

    [Fact]
    public void The_real_trainer_keeps_its_promise_and_missing_noise_is_noticed()
    {
        using var audit = new PrivacyAudit(new AuditSettings(Runs: 100));
        var result = audit.Run(null, CancellationToken.None);
        Assert.True(result.Holds, $"{result}");
        Assert.True(result.CanFail, $"{result}");
    }

    /// <summary>
    /// Trained with half the noise, with gradients clipped at twice the norm, with every example twice as often: the accountant is told
    /// none of it, and each is noticed.
    /// </summary>
    [Theory]
    [InlineData("sigma", 100)]
    [InlineData("C", 200)]
    [InlineData("q", 100)]
    public void A_factor_of_two_is_noticed(string what, int runs)
    {
        using var audit = new PrivacyAudit(new AuditSettings(runs), terms => what switch
        {
            "sigma" => terms with { NoiseMultiplier = terms.NoiseMultiplier / 2 },
            "C" => terms with { ClipNorm = terms.ClipNorm * 2, NoiseMultiplier = terms.NoiseMultiplier / 2 },
            _ => terms with { SamplingRate = Math.Min(1, terms.SamplingRate * 2) },
        });
        var result = audit.Run(null, CancellationToken.None);
        Assert.False(result.Holds, $"{result}");
        Assert.Equal(what == "sigma", result.Noise < 1);
        Assert.Equal(what == "q", result.Rate > result.Settings.SamplingRate);
        Assert.True(what == "q" || result.Mu > result.AccountedMu || runs < 200, $"{result}");
    }

    [Fact]
    public void Bounds_of_parts_are_as_wide_as_stated()
    {
        Assert.Equal(1 + (4.265 / Math.Sqrt(2e6)), PartBounds.Deviation(1_000_000, 1_000_000), 1e-4);
        Assert.Equal(1 - (4.265 * Math.Sqrt(0.01 + 0.00125)), PartBounds.Mu([.. Spread(200, 1)], [.. Spread(200, 0)]), 2e-2);

        // Normal scores at the quantiles' places: their variance is that of the normal distribution but for a thousandth.
        static IEnumerable<double> Spread(int count, double mean) =>
            Enumerable.Range(0, count).Select(i => mean + (MathNet.Numerics.Distributions.Normal.InvCDF(0, 1, (i + 0.5) / count)));
    }

    [Theory]
    [InlineData(99, 1, 0.5)]
    [InlineData(100, 0, 0.5)]
    [InlineData(100, 1, 1.5)]
    public void Nonsense_is_refused(int runs, double noise, double rate) =>
        Assert.Equal("audit-settings-invalid",
            Assert.Throws<FedLoraException>(() => new PrivacyAudit(new AuditSettings(runs, noise, rate))).Code);
}
