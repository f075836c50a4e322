using FedLora.Federations.Definitions;
using FedLora.Federations.Exports;
using FedLora.Privacy;

namespace FedLora.Federations.Tests;

/// <summary>What an exported adapter says of privacy is what its federation promised.</summary>
public sealed class PrivacyPromiseTests
{
    [Fact]
    public void Without_terms_nothing_is_promised() => Assert.Null(PrivacyPromise.Of(Define(null), 3));

    [Fact]
    public void A_budget_is_named_with_its_delta_unit_and_rounds()
    {
        var said = PrivacyPromise.Of(Define(new() { Epsilon = 4, Delta = 1e-5, ClipNorm = 0.5 }), 3)!;
        foreach (var part in (string[])["at most epsilon 4 at delta 1e-5", "one example of any site added or removed", "norm 0.5",
            "3 of 20 rounds of 8 steps"])
            Assert.Contains(part, said, StringComparison.Ordinal);
    }

    [Fact]
    public void Stated_noise_is_accounted_for_the_rounds_that_were_done()
    {
        var terms = new PrivacySpec { NoiseMultiplier = 1.1, SamplingRate = 0.02, Delta = 1e-5, ClipNorm = 1 };
        var spent = Accountants.Default.Epsilon([new SampledGaussian(1.1, 0.02, 40)], 1e-5, TestContext.Current.CancellationToken).Epsilon;
        Assert.Contains($"epsilon {Math.Ceiling(spent * 1e4) / 1e4:0.####} at", PrivacyPromise.Of(Define(terms), 5)!,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Simulated_noise_promises_nothing()
    {
        Assert.Null(PrivacyPromise.Simulated(Define(null)));
        var said = PrivacyPromise.Simulated(Define(new() { Epsilon = 4, Delta = 1e-5, ClipNorm = 0.5 }))!;
        Assert.Contains("its noise follows from the seed and protects nobody", said, StringComparison.Ordinal);
        Assert.DoesNotContain("epsilon", said, StringComparison.Ordinal);
    }

    private static FederationDefinition Define(PrivacySpec? privacy) =>
        Samples.Whole with { Privacy = privacy, Rounds = 20, Training = new() { LocalSteps = 8 } };
}
