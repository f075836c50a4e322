using System.Security.Cryptography.X509Certificates;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using Microsoft.Playwright;

namespace FedLora.Dashboard.Tests.Browser;

/// <summary>A person who has imported a certificate opens the dashboard's address, in a real browser.</summary>
public sealed class CertificateInBrowserTests(Chromium chromium)
{
    [Fact]
    public async Task Who_has_imported_one_is_in_acts_and_follows_until_it_is_revoked()
    {
        await using var site = await SecureSite.StartAsync();
        var definition = Server.Tests.Bench.Define("fedit", rounds: 1, nodes: 1);
        await Server.Tests.Bench.StartFederationAsync(site.Bench.Operator, definition, Server.Tests.Bench.First(definition));
        var (_, _, otto) = await site.JoinAsync("otto", Roles.Operator);
        var page = await chromium.WindowAsync(certificate: new ClientCertificate
        {
            Origin = site.Bench.Pages,
            Pfx = otto.Certificate!.Export(X509ContentType.Pkcs12, "secret of the test"),
            Passphrase = "secret of the test",
        });
        await page.GotoAsync(site.Bench.Pages);
        await page.WaitForURLAsync("**/privacy");
        await Assertions.Expect(page.GetByText("otto, operator")).ToBeVisibleAsync();
        Assert.Empty(await Chromium.ViolationsAsync(page));
        await page.GotoAsync(site.Bench.Pages + "/federations/test");
        await page.GetByText("live", new() { Exact = true }).WaitForAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Stop" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();
        await page.WaitForURLAsync("**/federations/test");
        await Assertions.Expect(page.Locator(".tag").First).ToHaveTextAsync("stopped");

        await site.Bench.Operator.Admin.RevokeAccessAsync(new RevokeAccessRequest { Holder = "otto" },
            site.Bench.Operator.Options(default));
        await page.ReloadAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("has been revoked");
    }

    [Fact]
    public async Task Who_has_none_is_not_stopped_and_comes_by_a_link()
    {
        await using var site = await SecureSite.StartAsync();
        var page = await chromium.WindowAsync();
        await page.GotoAsync(site.Bench.Pages);
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("You are not logged in");
        Assert.Empty(await Chromium.ViolationsAsync(page));
        var link = await site.Bench.Operator.Upkeep.CreateDashboardLinkAsync(new CreateDashboardLinkRequest { Role = Roles.Auditor },
            site.Bench.Operator.Options(default));
        await page.GotoAsync(link.Url);
        await page.GetByRole(AriaRole.Button, new() { Name = "Open the dashboard" }).ClickAsync();
        await page.WaitForURLAsync("**/privacy");
        await page.GetByText("live", new() { Exact = true }).WaitForAsync();
    }
}
