using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FedLora.Core.Audit;
using FedLora.Dashboard.Access;
using FedLora.Dashboard.Hosting;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using FedLora.Server.Certificates;
using FedLora.Server.Hosting;

namespace FedLora.Dashboard.Tests;

/// <summary>Who has a certificate of this coordinator in the browser is in, as long as it counts.</summary>
public sealed class CertificateTests
{
    [Fact]
    public async Task Each_role_is_in_as_what_it_is_and_a_node_has_no_page()
    {
        await using var site = await SecureSite.StartAsync();
        var (anna, _, _) = await site.JoinAsync("anna", Roles.Auditor);
        var (otto, _, _) = await site.JoinAsync("otto", Roles.Operator);
        var (node, _, _) = await site.JoinAsync("clinic", Roles.Node);
        Assert.Contains("<span>anna, auditor</span>", await anna.TextAsync("/privacy"), StringComparison.Ordinal);
        Assert.Contains("<span>otto, operator</span>", await otto.TextAsync("/privacy"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, (await AnswerAsync(anna, "/create")).Status);
        Assert.Equal(HttpStatusCode.OK, (await AnswerAsync(otto, "/create")).Status);
        Assert.Equal(HttpStatusCode.OK, (await AnswerAsync(anna, "/metrics")).Status);
        foreach (var path in (string[])["/privacy", "/create", "/events", "/"])
            Assert.Equal((HttpStatusCode.Unauthorized, true), await AnswerAsync(node, path, "Nodes have no page"));
    }

    [Fact]
    public async Task Who_has_none_is_told_how_to_get_in_and_comes_by_a_link()
    {
        await using var site = await SecureSite.StartAsync();
        var stranger = site.Browser(null);
        Assert.Equal((HttpStatusCode.Unauthorized, true), await AnswerAsync(stranger, "/privacy", "fedlora admin dashboard-link"));
        Assert.Equal((HttpStatusCode.Unauthorized, true), await AnswerAsync(stranger, "/privacy", "fedlora admin browser-certificate"));
        var link = (await site.Bench.Operator.Upkeep.CreateDashboardLinkAsync(new CreateDashboardLinkRequest { Role = Roles.Auditor },
            site.Bench.Operator.Options(default))).Url;
        Assert.StartsWith(site.Bench.Pages + "/sign-in?code=", link, StringComparison.Ordinal);
        using var opened = await stranger.PostAsync(new Uri("/sign-in", UriKind.Relative), Site.Form(("code", link.Split('=')[1])));
        Assert.Equal(HttpStatusCode.SeeOther, opened.StatusCode);
        var cookie = Assert.Single(opened.Headers.GetValues("Set-Cookie"));
        Assert.StartsWith("__Host-fedlora-session=", cookie, StringComparison.Ordinal);
        Assert.Contains("secure", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Log out", await stranger.TextAsync("/privacy"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revocation_counts_for_the_next_page_and_ends_the_events_that_are_followed()
    {
        await using var site = await SecureSite.StartAsync();
        var (anna, _, _) = await site.JoinAsync("anna", Roles.Auditor);
        using var events = await anna.GetAsync(new Uri("/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, events.StatusCode);
        await site.Bench.Operator.Admin.RevokeAccessAsync(new RevokeAccessRequest { Holder = "anna" },
            site.Bench.Operator.Options(default));
        Assert.Equal((HttpStatusCode.Unauthorized, true), await AnswerAsync(anna, "/privacy", "has been revoked"));
        // The whole stream: it ends.
        Assert.Contains("changed", await events.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
            .WaitAsync(Server.Tests.Bench.Never, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_its_time_a_certificate_ends_and_so_do_the_events_that_are_followed()
    {
        await using var site = await SecureSite.StartAsync();
        var (anna, _, _) = await site.JoinAsync("anna", Roles.Auditor);
        using var events = await anna.GetAsync(new Uri("/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken);
        site.Bench.Time.By = CertificateAuthority.PeerLifetime + TimeSpan.FromHours(1);
        Assert.Equal((HttpStatusCode.Unauthorized, true), await AnswerAsync(anna, "/privacy", "time is over"));
        Assert.Contains("changed", await events.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
            .WaitAsync(Server.Tests.Bench.Never, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_of_another_authority_lets_nobody_in()
    {
        await using var site = await SecureSite.StartAsync();
        var (_, id, _) = await site.JoinAsync("otto", Roles.Operator);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName($"O=operator, CN={id}"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], true));
        var now = TimeProvider.System.GetUtcNow();
        using var forged = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(7));
        Assert.Equal((HttpStatusCode.Unauthorized, true), await AnswerAsync(site.Browser(forged), "/privacy", "not of this coordinator"));
    }

    [Fact]
    public async Task A_form_of_another_site_changes_nothing_and_who_has_acted_is_in_the_audit_log()
    {
        await using var site = await SecureSite.StartAsync();
        var (otto, id, _) = await site.JoinAsync("otto", Roles.Operator);
        var definition = Server.Tests.Bench.Define("fedit", rounds: 1, nodes: 1);
        await Server.Tests.Bench.StartFederationAsync(site.Bench.Operator, definition, Server.Tests.Bench.First(definition));
        const string Stop = "/federations/test/stop";
        using (var first = await otto.OpenAsync(Stop))
        {
            Assert.Equal(HttpStatusCode.OK, first.StatusCode);
            var cookie = Assert.Single(first.Headers.GetValues("Set-Cookie"));
            Assert.Matches("^__Host-fedlora-forms=[0-9a-f]{64}; path=/; secure; samesite=lax; httponly$", cookie);
        }
        // Once: it stays for all pages that are open.
        using (var second = await otto.OpenAsync(Stop))
            Assert.False(second.Headers.Contains("Set-Cookie"));
        using (var forged = await otto.PostAsync(new Uri(Stop, UriKind.Relative), Site.Form((FormSecret.Field, new string('0', 64)))))
            Assert.Equal(HttpStatusCode.BadRequest, forged.StatusCode);
        // Another site makes the browser send it, with all that it may know.
        foreach (var from in (string[])["cross-site", "same-site"])
        {
            otto.DefaultRequestHeaders.Add("Sec-Fetch-Site", from);
            using var sent = await otto.PostAsync(new Uri(Stop, UriKind.Relative), Site.Form());
            Assert.Equal(HttpStatusCode.Unauthorized, sent.StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await AnswerAsync(otto, "/privacy")).Status);
            otto.DefaultRequestHeaders.Add("Sec-Fetch-Dest", "document");
            Assert.Equal(HttpStatusCode.OK, (await AnswerAsync(otto, "/privacy")).Status);
            otto.DefaultRequestHeaders.Remove("Sec-Fetch-Dest");
            otto.DefaultRequestHeaders.Remove("Sec-Fetch-Site");
        }
        otto.DefaultRequestHeaders.Add("Sec-Fetch-Site", "same-origin");
        Assert.Equal(Protocol.V1.FederationState.Running, await StateAsync());
        using var own = await Site.SendAsync(otto, Stop, Stop);
        Assert.Equal(HttpStatusCode.SeeOther, own.StatusCode);
        Assert.Equal(Protocol.V1.FederationState.Stopped, await StateAsync());
        var recorded = Assert.Single(AuditFiles.Read(AuditLog.FolderIn(site.Bench.Data)),
            entry => entry.Fields.GetValueOrDefault("action") == $"POST {Stop}");
        Assert.Equal((Roles.Operator, id, "test", "done"), (recorded.Fields["role"], recorded.Fields["actor"],
            recorded.Fields["subject"], recorded.Fields["outcome"]));

        async Task<Protocol.V1.FederationState> StateAsync() => (await site.Bench.Operator.Admin.ShowFederationAsync(
            new FederationName { Name = "test" }, site.Bench.Operator.Options(default))).State;
    }

    [Fact]
    public async Task A_link_counts_before_the_certificate_so_that_an_operator_sees_what_auditors_see()
    {
        await using var site = await SecureSite.StartAsync();
        var (otto, _, identity) = await site.JoinAsync("otto", Roles.Operator);
        using var connection = new Client.Connection.CoordinatorConnection(site.Bench.Url, identity: identity);
        var link = await connection.Upkeep.CreateDashboardLinkAsync(new CreateDashboardLinkRequest { Role = Roles.Auditor },
            connection.Options(default));
        using var opened = await otto.PostAsync(new Uri("/sign-in", UriKind.Relative), Site.Form(("code", link.Url.Split('=')[1])));
        Assert.Equal(HttpStatusCode.Forbidden, (await AnswerAsync(otto, "/create")).Status);
        using var ended = await Site.SendAsync(otto, "/privacy", "/sign-out");
        Assert.Equal(HttpStatusCode.SeeOther, ended.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await AnswerAsync(otto, "/create")).Status);
    }

    [Fact]
    public async Task Pages_over_TLS_are_for_a_coordinator_that_has_certificates()
    {
        Assert.Equal("listen-insecure", Assert.Throws<FedLoraException>(() => DashboardAddress.EndPoint("http://0.0.0.0:5081")).Code);
        Assert.Equal("listen-invalid", Assert.Throws<FedLoraException>(() => DashboardAddress.EndPoint("https://here:5081")).Code);
        Assert.Equal(IPAddress.Any, DashboardAddress.EndPoint("https://0.0.0.0:0").Address);
        Assert.DoesNotContain("0.0.0.0", DashboardAddress.Reached("https://0.0.0.0:5081"), StringComparison.Ordinal);
        var folder = Directory.CreateTempSubdirectory("fedlora-dashboard-");
        var refused = await Assert.ThrowsAsync<FedLoraException>(() => CoordinatorHost.StartAsync(
            new ServerOptions { Data = folder.FullName, Listen = "http://127.0.0.1:0" },
            builder => builder.AddFedLoraDashboard("https://127.0.0.1:0"), CancellationToken.None));
        Assert.Equal("listen-invalid", refused.Code);
        Assert.Contains("has no certificates", refused.Message, StringComparison.Ordinal);
        folder.Delete(recursive: true);
    }

    private static async Task<(HttpStatusCode Status, bool Says)> AnswerAsync(HttpClient browser, string path, string says = "")
    {
        using var answer = await browser.OpenAsync(path);
        return (answer.StatusCode,
            (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Contains(says, StringComparison.Ordinal));
    }
}
