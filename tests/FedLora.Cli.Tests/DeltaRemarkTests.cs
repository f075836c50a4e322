using FedLora.Cli.Commands.Admin;
using FedLora.Protocol.V1;

namespace FedLora.Cli.Tests;

/// <summary>What the operator hears of a delta that is too large for what sites state of themselves.</summary>
public sealed class DeltaRemarkTests
{
    [Fact]
    public void The_largest_stated_count_is_named()
    {
        var view = View(1e-5, 0, ("site-1", 400), ("site-2", 200_000));
        Assert.Equal(
            "the default delta 1e-5 is too large for the 200000 examples of site-2: from 1/200000 on, publishing an example whole would "
                + "keep the promise. State a delta well below it, such as 5e-7.",
            DeltaRemark.For(view));
        view.Definition.PublicCounts["site-2"] = 20_000;
        Assert.Null(DeltaRemark.For(view));
    }

    [Fact]
    public void What_a_site_states_itself_shows_in_its_rate()
    {
        var view = View(1e-4, 0);
        view.Privacy.Add(new NodePrivacy { Node = "own", SamplingRate = 32 / 50_000.0 });
        Assert.StartsWith("delta 1e-4 is too large for the 50000 examples of own", DeltaRemark.For(view));
        view.Definition.Privacy.SamplingRate = 32 / 50_000.0;
        Assert.Null(DeltaRemark.For(view));
    }

    [Fact]
    public void Nothing_is_said_without_privacy() =>
        Assert.Null(DeltaRemark.For(new FederationView { Definition = new FederationDefinition() }));

    private static FederationView View(double delta, double rate, params (string Node, uint Count)[] counts)
    {
        var view = new FederationView
        {
            Definition = new FederationDefinition
            {
                Privacy = new PrivacyTerms { Delta = delta, SamplingRate = rate },
                Training = new TrainingSettings { BatchSize = 32 },
            },
        };
        foreach (var (node, count) in counts)
            view.Definition.PublicCounts[node] = count;
        return view;
    }
}
