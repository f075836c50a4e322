using FedLora.Privacy.Prv;
using FedLora.Privacy.Rdp;

namespace FedLora.Privacy.Tests;

/// <summary>Numbers that other libraries print in their own tests and documents.</summary>
public sealed class PublishedValuesTests
{
    /// <summary>opacus/tests/accountants_test.py: sigma 1.5, q 0.04, delta 1e-5; the PRV test runs int(90 // 0.04) = 2249 steps.</summary>
    [Fact]
    public void Opacus_accountants()
    {
        Assert.Equal(7.32911117143, new RdpAccountant().Epsilon([new(1.5, 0.04, 2250)], 1e-5).Epsilon, 1e-9);
        Assert.Equal(6.777395712150674, new PrvAccountant().Epsilon([new(1.5, 0.04, 2249)], 1e-5).Epsilon, 1e-6);
    }

    /// <summary>
    /// opacus get_noise_multiplier, epsilon 8, delta 1e-5, q 0.04: the upper end of a bisection that stops within 0.01 of epsilon, so never
    /// below the root and a little above it.
    /// </summary>
    [Theory]
    [InlineData("rdp", 2250, 1.416)]
    [InlineData("rdp", 2000, 1.3562)]
    [InlineData("prv", 2250, 1.34765625)]
    [InlineData("prv", 2000, 1.2915)]
    public void Opacus_noise_multipliers(string name, long steps, double published)
    {
        var accountant = Accountants.Get(name);
        var mine = Calibration.NoiseMultiplier(accountant, 8, 1e-5, 0.04, steps);
        Assert.InRange(mine, published - 3e-3, published + 1e-4);
        Assert.InRange(accountant.Epsilon([new(published, 0.04, steps)], 1e-5).Epsilon, 7.985, 8.0005);
        Assert.InRange(Calibration.NoiseMultiplier(Accountants.Default, 8, 1e-5, 0.04, steps), 1.2, published);
    }

    /// <summary>
    /// opacus/tests/prv_accountant.py, delta 1e-6, after microsoft/prv_accountant. PLD, which is tighter, is never above and never far
    /// below.
    /// </summary>
    [Theory]
    [InlineData(0.8, 0.001, 100, 0.270403)]
    [InlineData(1.5, 0.001, 100, 0.039369)]
    [InlineData(0.8, 0.05, 100, 6.741052)]
    [InlineData(1.5, 0.05, 100, 1.953853)]
    [InlineData(2, 0.05, 100, 1.283637)]
    [InlineData(3, 0.05, 100, 0.767934)]
    [InlineData(0.8, 0.2, 100, 24.333664)]
    [InlineData(1.5, 0.2, 100, 8.498978)]
    [InlineData(2, 0.2, 100, 5.672056)]
    [InlineData(3, 0.2, 100, 3.381221)]
    [InlineData(0.8, 0.001, 1000, 0.477771)]
    [InlineData(1.5, 0.05, 1000, 6.209969)]
    [InlineData(3, 0.05, 1000, 2.527574)]
    public void Microsofts_prv(double sigma, double q, long steps, double published)
    {
        Assert.Equal(published, new PrvAccountant().Epsilon([new(sigma, q, steps)], 1e-6).Epsilon, 1e-4);
        // The published value is an upper bound with 0.01 of its own error in it.
        Assert.InRange(Accountants.Default.Epsilon([new(sigma, q, steps)], 1e-6).Epsilon, published - 0.025, published + 1e-6);
    }

    /// <summary>tensorflow/privacy compute_dp_sgd_privacy_test.py: sigma 0.7, delta 1e-5.</summary>
    [Theory]
    [InlineData(1, 2, 10.8602036, 10.1224946)]
    [InlineData(0.01, 120, 3.2391922, 2.4612376)]
    public void Tensorflow_privacy(double q, long steps, double rdp, double pld)
    {
        Assert.Equal(rdp, new RdpAccountant().Epsilon([new(0.7, q, steps)], 1e-5).Epsilon, 2e-3 * rdp);
        Assert.Equal(pld, Accountants.Default.Epsilon([new(0.7, q, steps)], 1e-5).Epsilon, 1e-4 * pld);
    }

    /// <summary>delta above what one step gives costs nothing at all.</summary>
    [Fact]
    public void A_delta_above_the_total_variation_is_epsilon_zero()
    {
        Assert.Equal(0, Accountants.Default.Epsilon([new(0.3, 1e-6, 1)], 1e-5).Epsilon);
        Assert.Equal(0, Accountants.Default.Epsilon([new(100, 1, 1)], 0.01).Epsilon);
        Assert.True(Accountants.Default.Epsilon([new(100, 1, 1)], 0.003).Epsilon > 0);
    }
}
