using FedLora.Client.Rounds;
using FedLora.Compression;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using Microsoft.Playwright;

namespace FedLora.Dashboard.Tests.Browser;

/// <summary>A budget that ends during a federation: coordinator, daemon, ledger and accountant are real, only the model is not.</summary>
public sealed class ExhaustionTests(Chromium chromium)
{
    private const int RoundsThatFit = 3;
    private static readonly SampledGaussian Round = new(1, 0.05, 5);

    [Fact]
    public async Task The_page_says_when_a_sites_budget_is_spent_and_who_went_on_without_it()
    {
        var limit =
            Accountants.Default.Epsilon([Round with { Steps = RoundsThatFit * Round.Steps }], 1e-5, TestContext.Current.CancellationToken)
                .Epsilon + 0.002;
        await using var site = await Site.StartAsync();
        await site.Bench.StartFederationAsync(Define());
        var page = await chromium.OpenAsync(site.Bench, Roles.Auditor);
        await page.GetByText("live", new() { Exact = true }).WaitForAsync();
        using var end = new CancellationTokenSource();
        var node =
            site.Bench.RunNodeAsync("clinic", await site.Bench.TokenAsync(), new PrivateTrainer(), end.Token,
                policy: new SitePolicy { Epsilon = limit });
        try
        {
            await site.Bench.UntilAsync(view => view.RoundsDone == RoundsThatFit);
            // The list was open all the while.
            await Assertions.Expect(page.GetByText("1 at the limit.")).ToBeVisibleAsync(new() { Timeout = 30_000 });
            await page.GetByRole(AriaRole.Link, new() { Name = "clinic" }).ClickAsync();
            await Assertions.Expect(page.GetByText("no further round fits")).ToBeVisibleAsync(new() { Timeout = 60_000 });
            await Assertions.Expect(page.GetByText("its limit is").First).ToBeVisibleAsync(new() { Timeout = 60_000 });
            await Chromium.PictureAsync(page, "dashboard-exhausted.png");
        }
        finally
        {
            await end.CancelAsync();
            await node;
        }
    }

    private static FederationDefinition Define()
    {
        var definition = Bench.Define("fedit", rounds: 8, nodes: 1);
        definition.Privacy =
            new PrivacyTerms { NoiseMultiplier = Round.NoiseMultiplier, SamplingRate = Round.SamplingRate, Delta = 1e-5, ClipNorm = 1,
                Accountant = "pld" };
        definition.Training.LocalSteps = (uint)Round.Steps;
        return definition;
    }

    /// <summary>Charges each round as a trainer must, then does what the other one does.</summary>
    private sealed class PrivateTrainer : IRoundTrainer
    {
        private readonly FakeTrainer _trainer = new(1);

        public string Fingerprint => ((IRoundTrainer)_trainer).Fingerprint;

        public string? Refuses(TrainingTask task) => _trainer.Refuses(task);

        public VectorLayout SparseLayout(TrainingTask task) => _trainer.SparseLayout(task);

        public RoundOutput Train(RoundInput input, IProgress<TrainingProgress> progress, CancellationToken cancellation)
        {
            Assert.NotNull(input.Charge(["a letter of the clinic, long enough to count by itself"u8.ToArray()]));
            return _trainer.Train(input, progress, cancellation) with { Steps = (int)Round.Steps };
        }

        public void Dispose() => _trainer.Dispose();
    }
}
