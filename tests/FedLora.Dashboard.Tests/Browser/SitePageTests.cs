using System.Net;
using System.Security.Cryptography;
using System.Text;
using FedLora.Client.State;
using FedLora.Core.Audit;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.V1;
using FedLora.SitePage;
using Microsoft.Playwright;

namespace FedLora.Dashboard.Tests.Browser;

/// <summary>The site's own page over a node's folder, in a real browser.</summary>
public sealed class SitePageTests(Chromium chromium) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-site-");

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 360)]
    public async Task It_shows_spending_and_follows_it(ColorScheme scheme, int width)
    {
        using var node = new NodeFolder(Path.Combine(_folder.FullName, "node"));
        using var ledger = PrivacyLedger.Open(NodeFolder.LedgerOf(node.Root));
        var dataSet = ledger.Identify(new DataSetLabel("letters", "letters.jsonl"), [Encoding.UTF8.GetBytes("a letter of its own")]);
        Spend(1);
        new NodeCredential("https://fed.example.org", "abc", "clinic", "secret-of-the-node", "r").Save(node.CredentialFile);
        var blob = new BlobRef { Sha256 = Convert.ToHexStringLower(SHA256.HashData([1, 2, 3])), Size = 3 };
        PendingUpdate.Save(node.FederationFolder("mail"), new UpdateHeader { Federation = "mail", Round = 1, Blob = blob }, [1, 2, 3]);
        using var audit = AuditLog.Open(AuditLog.FolderIn(node.Root));
        Happened("round 1 of mail: trained <b>");
        await using var server = await SitePageServer.StartAsync(node.Root, new SitePolicy { Epsilon = 4, Methods = ["fedit"] }, 0,
            TimeProvider.System, TestContext.Current.CancellationToken);

        var page = await chromium.WindowAsync(width, scheme);
        var wrong = new List<string>();
        page.Console += (_, message) => wrong.Add(message.Text);
        await page.GotoAsync(server.Link.ToString());
        await page.GetByText("live", new() { Exact = true }).WaitForAsync();
        await Assertions.Expect(page.Locator("main")).ToContainTextAsync("a node is running");
        await Assertions.Expect(page.Locator("main")).ToContainTextAsync("clinic");
        await Assertions.Expect(page.Locator("main")).ToContainTextAsync("round 1 of mail: trained <b>");
        await Assertions.Expect(page.Locator("main")).ToContainTextAsync("not acknowledged yet");
        await Assertions.Expect(page.Locator("main")).ToContainTextAsync("epsilon 4 at delta 1e-5");
        await Assertions.Expect(page.GetByRole(AriaRole.Rowheader, new() { Name = "letters" })).ToBeVisibleAsync();
        Assert.DoesNotContain("secret-of-the-node", await page.ContentAsync(), StringComparison.Ordinal);
        wrong.AddRange(await Chromium.ViolationsAsync(page));
        Assert.False(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth > window.innerWidth"));
        await Chromium.PictureAsync(page, $"site-{scheme.ToString().ToLowerInvariant()}-{width}.png");

        await page.EvaluateAsync("window.same = true");
        Spend(2);
        Happened("round 2 of mail: trained");
        await page.GetByText("round 2 of mail: trained").WaitForAsync();
        await Assertions.Expect(page.Locator("main")).ToContainTextAsync("round 2: sigma 1, q 0.01, 10 steps");
        Assert.True(await page.EvaluateAsync<bool>("window.same === true"));
        Assert.Empty(wrong);

        void Spend(int round) => ledger.Spend(dataSet, new LedgerUse("https://fed.example.org", "mail", round),
            new SampledGaussian(1, 0.01, 10), 1, new PrivacyLimit(4, 1e-5));

        void Happened(string what) => audit.Append(DateTimeOffset.UnixEpoch, "information", "Trained", what,
            new Dictionary<string, string> { ["federation"] = "mail" });
    }

    [Fact]
    public async Task Without_the_key_nothing_is_there()
    {
        using var node = new NodeFolder(Path.Combine(_folder.FullName, "node"));
        await using var server =
            await SitePageServer.StartAsync(node.Root, null, 0, TimeProvider.System, TestContext.Current.CancellationToken);
        using var http = new HttpClient();
        foreach (var (path, status) in new[]
        {
            (server.Link.ToString(), HttpStatusCode.OK), (server.Link + "assets/style.css", HttpStatusCode.OK),
            (new Uri(server.Link, "/").ToString(), HttpStatusCode.NotFound),
            (new Uri(server.Link, "/00/").ToString(), HttpStatusCode.NotFound),
            (new Uri(server.Link, "/00/events").ToString(), HttpStatusCode.NotFound),
            (new Uri(server.Link, "/00/assets/style.css").ToString(), HttpStatusCode.NotFound),
            (server.Link + "assets/nothing", HttpStatusCode.NotFound),
        })
        {
            using var answer = await http.GetAsync(path, TestContext.Current.CancellationToken);
            Assert.Equal((path, status), (path, answer.StatusCode));
        }
        var taken = await Assert.ThrowsAsync<FedLoraException>(() => SitePageServer.StartAsync(node.Root, null, server.Link.Port,
            TimeProvider.System, TestContext.Current.CancellationToken));
        Assert.Equal("port-taken", taken.Code);
        var missing = await Assert.ThrowsAsync<FedLoraException>(() => SitePageServer.StartAsync(node.Root + "2", null, 0,
            TimeProvider.System, TestContext.Current.CancellationToken));
        Assert.Equal("state-missing", missing.Code);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
