using FedLora.Privacy;
using FedLora.Privacy.Ledger;
using FedLora.Server.Authentication;
using Microsoft.Playwright;

namespace FedLora.Dashboard.Tests.Browser;

/// <summary>Pages follow what happens, and what an operator does there happens.</summary>
public sealed class LiveTests(Chromium chromium)
{
    [Fact]
    public async Task A_federation_is_started_watched_and_read_without_loading_a_page_again()
    {
        await using var site = await Site.StartAsync();
        var definition = Bench.Define("fedit", rounds: 2, nodes: 2);
        await site.Bench.StartFederationAsync(definition);
        await site.Bench.Operator.Admin.PauseFederationAsync(new Protocol.V1.FederationName { Name = "test" },
            site.Bench.Operator.Options(default));

        var actor = await chromium.OpenAsync(site.Bench, Roles.Operator);
        var watcher = await chromium.OpenAsync(site.Bench, Roles.Auditor);
        await watcher.GotoAsync(site.Bench.Pages + "/federations/test");
        await watcher.GetByText("live", new() { Exact = true }).WaitForAsync();
        await watcher.EvaluateAsync("window.same = true");

        await actor.GotoAsync(site.Bench.Pages + "/federations/test");
        await actor.GetByRole(AriaRole.Link, new() { Name = "Start" }).ClickAsync();
        await actor.GetByRole(AriaRole.Button, new() { Name = "Start" }).ClickAsync();
        await actor.WaitForURLAsync("**/federations/test");
        await watcher.GetByText("waits for 2 nodes").WaitForAsync();

        var token = await site.Bench.TokenAsync(2);
        using var end = new CancellationTokenSource();
        var nodes =
            new[] { site.Bench.RunNodeAsync("a", token, new FakeTrainer(1), end.Token),
                site.Bench.RunNodeAsync("b", token, new FakeTrainer(2), end.Token) };
        try
        {
            await FollowAsync(site, watcher, actor);
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(nodes);
        }
    }

    private static async Task FollowAsync(Site site, IPage watcher, IPage actor)
    {
        await watcher.Locator(".tag.finished").WaitForAsync(new() { Timeout = (float)Bench.Never.TotalMilliseconds });
        Assert.True(await watcher.EvaluateAsync<bool>("window.same === true"));
        await Assertions.Expect(watcher.GetByText("Rounds 1 to 2, newest first")).ToBeVisibleAsync();

        // The adapter of any round, as PEFT loads it.
        await actor.GotoAsync(site.Bench.Pages + "/federations/test/rounds/1");
        var download = await actor.RunAndWaitForDownloadAsync(() => actor.GetByText("Adapter after this round").ClickAsync());
        await using var zip = File.OpenRead(await download.PathAsync());
        using var archive = new System.IO.Compression.ZipArchive(zip);
        Assert.Contains("adapter_model.safetensors", archive.Entries.Select(entry => entry.Name));
        Assert.Contains("adapter_config.json", archive.Entries.Select(entry => entry.Name));
    }

    [Fact]
    public async Task A_budget_runs_out_before_the_readers_eyes()
    {
        const int Fit = 3;
        await using var site = await Site.StartAsync();
        var definition = Bench.Define("fedit", rounds: 20, nodes: 1);
        definition.Privacy =
            new Protocol.V1.PrivacyTerms { NoiseMultiplier = 1, SamplingRate = 0.1, Delta = 1e-5, ClipNorm = 1, Accountant = "pld" };
        await site.Bench.StartFederationAsync(definition);
        var spent = Accountants.Default.Epsilon([new SampledGaussian(1, 0.1, Fit * definition.Training.LocalSteps)], 1e-5,
            TestContext.Current.CancellationToken).Epsilon;
        var watcher = await chromium.OpenAsync(site.Bench, Roles.Auditor);
        await watcher.GetByText("No data set has spent anything yet").WaitForAsync();
        await watcher.GetByText("live", new() { Exact = true }).WaitForAsync();
        await watcher.EvaluateAsync("window.same = true");

        using var end = new CancellationTokenSource();
        var node = site.Bench.RunNodeAsync("clinic", await site.Bench.TokenAsync(1), new FakeTrainer(1), end.Token,
            data: site.Bench.Scratch("data.jsonl"), policy: new SitePolicy { Epsilon = spent * 1.001, Delta = 1e-5 });
        try
        {
            await watcher.GetByText("1 at the limit.").WaitForAsync(new() { Timeout = (float)Bench.Never.TotalMilliseconds });
            Assert.True(await watcher.EvaluateAsync<bool>("window.same === true"));
            await watcher.GetByRole(AriaRole.Link, new() { Name = "clinic" }).ClickAsync();
            await watcher.GetByText("no further round fits").WaitForAsync(new() { Timeout = (float)Bench.Never.TotalMilliseconds });
            Assert.Empty(await Chromium.ViolationsAsync(watcher));
            await watcher.GotoAsync(site.Bench.Pages + "/federations/test");
            await watcher.GetByText($"Rounds 1 to {Fit}, newest first").WaitForAsync();
            await Assertions.Expect(watcher.Locator("main")).ToContainTextAsync("privacy budget");
        }
        finally
        {
            await end.CancelAsync();
            await node;
        }
    }

    [Fact]
    public async Task A_federation_is_created_from_its_text_after_its_explanation()
    {
        await using var site = await Site.StartAsync();
        await site.Bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        var page = await chromium.OpenAsync(site.Bench, Roles.Operator);
        await page.GotoAsync(site.Bench.Pages + "/create");
        var text = page.GetByLabel("or its text");
        const string Settings = "name: second\nmethod: fedit\nrounds: 3\ntask: { kind: classification, labels: [a, b] }\n"
            + "lora: { rank: 2, target_modules: [q] }\n";
        await text.FillAsync(Settings + "roundz: 4\n");
        await page.GetByRole(AriaRole.Button, new() { Name = "Check and explain" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("roundz");
        await text.FillAsync(Settings);
        await page.GetByRole(AriaRole.Button, new() { Name = "Check and explain" }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("Explanation")).ToContainTextAsync("deadline_seconds: 3600");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create it" }).ClickAsync();
        await page.WaitForURLAsync("**/federations/second");
        await Assertions.Expect(page.Locator(".tag").First).ToHaveTextAsync("created");
    }
}
