using FedLora.Privacy.Pld;

namespace FedLora.Privacy.Tests;

/// <summary>The closed forms for where hardly any step takes the example: they enclose the truth, and nearly touch it.</summary>
public sealed class RareSamplingTests
{
    /// <summary>Both directions of two steps, each by one integral over the first step of the second one's closed form.</summary>
    [Theory]
    [InlineData(0.5, 1e-3, 1e-6, 1.37734716305, 0.8)]
    [InlineData(1, 0.01, 1e-5, 0.245465976078, 0.25)]
    [InlineData(0.3, 1e-6, 1e-9, 2.14198957218, 0.09)]
    [InlineData(2, 0.04, 1e-3, 0.0601076718028, 0.05)]
    [InlineData(0.2, 1e-9, 5e-10, 0.00308373746104, 3.3e-4)]
    [InlineData(3, 0.02, 1e-4, 0.0246288086875, 0.018)]
    public void Two_steps_are_enclosed(double sigma, double q, double delta, double truth, double within)
    {
        var (low, high) = AnyComposition.Epsilon([new(sigma, q, 2)], delta);
        Assert.InRange(low, truth - within, truth * (1 + 1e-7));
        Assert.InRange(high, truth * (1 - 1e-7), truth + within);
    }

    /// <summary>Neither the grid's interval nor the closed forms' lies beside the other: one of them would miss the truth.</summary>
    [Fact]
    public void Closed_forms_and_grids_agree()
    {
        var random = new Random(17);
        double Log(double low, double high) => Math.Exp(Math.Log(low) + (random.NextDouble() * Math.Log(high / low)));
        var (below, above) = (0, 0);
        for (var i = 0; i < 120; i++)
        {
            SampledGaussian[] runs = [.. Enumerable.Range(0, 1 + (i % 5 == 0 ? 2 : 0)).Select(_ =>
            {
                var steps = (long)Log(2, 1e6);
                return new SampledGaussian(Log(0.15, 5), Log(1e-9, 0.09) / steps, steps);
            })];
            var delta = runs.Sum(run => run.SamplingRate * run.Steps) * Log(1e-6, 0.9);
            var closed = AnyComposition.Epsilon(runs, delta);
            var setup = new PldSetup(runs, delta);
            if (setup.Affordable(setup.StepFor(1e-4), 150_000) is not { } step)
                continue;
            var grid = PldModel.Build(setup, step, (int)setup.SizeFor(step), CancellationToken.None)
                .Epsilon(setup.Steps, double.NaN, Effort.OfOne(), CancellationToken.None);
            var what = $"{string.Join(" + ", runs.AsEnumerable())} delta {delta:R}: closed form {closed}, grid {grid}";
            Assert.True(closed.Low <= closed.High, what);
            Assert.True(closed.Low <= grid.High * (1 + 1e-12) && grid.Low <= closed.High * (1 + 1e-12), what);
            below += closed.Low > 0.9 * grid.High ? 1 : 0;
            above += grid.Low > 0 && closed.High < 1.5 * grid.Low ? 1 : 0;
        }
        Assert.True(below >= 10 && above >= 8, $"below {below} and above {above} times nearly the same");
    }

    /// <summary>Grids alone stated 0.0789, 0.343 and 26,462 here, and took seconds.</summary>
    [Fact]
    public void Searches_profit()
    {
        Assert.InRange(
            Calibration.NoiseMultiplier(Accountants.Default, 51.05469662466064, 7.113969728679149E-11, 2.460096526100485E-18, 43_160_026),
            0.07, 0.0712);
        Assert.InRange(
            Calibration.NoiseMultiplier(Accountants.Default, 0.00075067317206598, 1.4728618571383043E-06, 1.0763159073012125E-12,
                4_772_288),
            0.1, 0.2);
        Assert.InRange(
            Calibration.Steps(Accountants.Default, 9.058728056591801E-05, 0.00014788714587177584, 0.5123469786862489,
                9.066582082570352E-09),
            38_000_000, Calibration.MostSteps);
    }

    /// <summary>Numbers whose squares are beyond double precision must not count as nothing.</summary>
    [Theory]
    [InlineData(0.0378, 1e-160, 3, 1e-165)]
    [InlineData(0.0378, 1e-200, 1_000_000, 1e-198)]
    [InlineData(0.02, 1e-121, 50, 1e-121)]
    public void What_underflows_is_not_free(double sigma, double q, long steps, double delta)
    {
        var least = AnyComposition.Epsilon([new(sigma, q, 1)], delta).Low;
        Assert.True(AnyComposition.Epsilon([new(sigma, q, steps)], delta).High >= least);
        Assert.True(AnyComposition.Epsilon([new(sigma, q, steps)], delta).High > 0);
    }
}
