using System.Net;
using FedLora.Core.Audit;
using FedLora.Dashboard.Access;
using FedLora.Dashboard.Hosting;
using FedLora.Grains.Access;
using FedLora.Server.Authentication;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace FedLora.Dashboard.Tests;

/// <summary>One-time links, the session's cookie, and forms of other sites.</summary>
public sealed class SessionTests
{
    [Fact]
    public async Task A_link_opens_one_session_and_only_its_button_uses_it_up()
    {
        await using var site = await Site.StartAsync();
        var code = await site.CodeAsync(Roles.Auditor);
        // A preview fetches it.
        Assert.Contains("Open the dashboard", await site.Stranger().TextAsync($"/sign-in?code={code}"), StringComparison.Ordinal);
        var browser = site.Stranger();
        using (var answer = await browser.PostAsync(new Uri("/sign-in", UriKind.Relative), Site.Form(("code", code))))
        {
            Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
            var cookie = Assert.Single(answer.Headers.GetValues("Set-Cookie"));
            Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        }
        using (var again = await site.Stranger().PostAsync(new Uri("/sign-in", UriKind.Relative), Site.Form(("code", code))))
            Assert.Equal(HttpStatusCode.Unauthorized, again.StatusCode);
        using var page = await browser.OpenAsync("/privacy");
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
    }

    [Fact]
    public async Task Log_out_ends_the_session_for_whoever_kept_its_cookie()
    {
        await using var site = await Site.StartAsync();
        var browser = site.Stranger();
        using var opened =
            await browser.PostAsync(new Uri("/sign-in", UriKind.Relative), Site.Form(("code", await site.CodeAsync(Roles.Operator))));
        var kept = opened.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        using var answer = await Site.SendAsync(browser, "/privacy", "/sign-out");
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        var thief = site.Stranger();
        thief.DefaultRequestHeaders.Add("Cookie", kept);
        using var page = await thief.OpenAsync("/privacy");
        Assert.Equal(HttpStatusCode.Unauthorized, page.StatusCode);
    }

    [Fact]
    public async Task Links_and_sessions_end_with_their_time()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var site = await Site.StartAsync(configure: builder => builder.Services.AddSingleton<TimeProvider>(time));
        var late = await site.CodeAsync(Roles.Operator);
        var browser = await site.LogInAsync(Roles.Operator);
        time.Advance(TimeSpan.FromMinutes(11));
        using (var answer = await site.Stranger().PostAsync(new Uri("/sign-in", UriKind.Relative), Site.Form(("code", late))))
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        using (var page = await browser.OpenAsync("/privacy"))
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        time.Advance(TimeSpan.FromHours(12));
        using (var page = await browser.OpenAsync("/privacy"))
            Assert.Equal(HttpStatusCode.Unauthorized, page.StatusCode);
    }

    [Fact]
    public async Task With_its_givers_access_a_session_ends_and_so_do_the_events_it_follows()
    {
        IGrainFactory grains = null!;
        await using var site = await Site.StartAsync(configure: builder => builder.Services.AddHostedService(provider =>
        {
            grains = provider.GetRequiredService<IGrainFactory>();
            return new Nothing();
        }));
        var (access, sessions) = (grains.GetGrain<IAccessGrain>(IAccessGrain.Key), grains.GetGrain<ISessionsGrain>(ISessionsGrain.Key));
        await access.KeepAsync(new AccessEntry { Id = "anna", Name = "anna", Role = Roles.Operator, KeyHash = "key" }, default);
        var link = await sessions.IssueAsync(Roles.Operator, "anna", TimeSpan.FromMinutes(10), default);
        var browser = site.Stranger();
        using (var opened = await browser.PostAsync(new Uri("/sign-in", UriKind.Relative), Site.Form(("code", link.Code))))
            Assert.Equal(HttpStatusCode.SeeOther, opened.StatusCode);
        using var events = await browser.GetAsync(new Uri("/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken);
        await access.RevokeAsync("anna", default);
        // The whole stream: it ends.
        Assert.Contains("changed", await events.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
            .WaitAsync(Bench.Never, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        using var page = await browser.OpenAsync("/privacy");
        Assert.Equal(HttpStatusCode.Unauthorized, page.StatusCode);
    }

    private sealed class Nothing : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0000")]
    public async Task A_form_of_another_site_changes_nothing(string? shown)
    {
        await using var site = await Site.StartAsync();
        await site.Bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        var browser = await site.LogInAsync(Roles.Operator);
        using var forged =
            await browser.PostAsync(new Uri("/federations/test/stop", UriKind.Relative), shown is null ? Site.Form()
                : Site.Form((FormSecret.Field, shown)));
        Assert.Equal(HttpStatusCode.BadRequest, forged.StatusCode);
        Assert.Equal(Protocol.V1.FederationState.Running,
            (await site.Bench.Operator.Admin.ShowFederationAsync(new Protocol.V1.FederationName { Name = "test" },
                site.Bench.Operator.Options(default))).State);
        using var own = await Site.SendAsync(browser, "/federations/test/stop", "/federations/test/stop");
        Assert.Equal(HttpStatusCode.SeeOther, own.StatusCode);
        var recorded = AuditFiles.Read(AuditLog.FolderIn(site.Bench.Data))
            .Where(entry => entry.Fields.GetValueOrDefault("actor") == "by a page").ToList();
        Assert.Equal(["POST /federations/test/stop"], recorded.Select(entry => entry.Fields["action"]));
        Assert.Equal((Roles.Operator, "test", "done"),
            (recorded[0].Fields["role"], recorded[0].Fields["subject"], recorded[0].Fields["outcome"]));
        using var again = await Site.SendAsync(browser, "/federations/test/stop", "/federations/test/start");
        Assert.Equal("federation-state", AuditFiles.Read(AuditLog.FolderIn(site.Bench.Data)).Last().Fields["outcome"]);
        Assert.Equal(Protocol.V1.FederationState.Stopped,
            (await site.Bench.Operator.Admin.ShowFederationAsync(new Protocol.V1.FederationName { Name = "test" },
                site.Bench.Operator.Options(default))).State);
    }

    /// <summary>By a clock that stands still: it ends by itself, and is not cut off once the stop has waited for it.</summary>
    [Fact]
    public async Task A_page_that_is_open_ends_when_the_coordinator_stops()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var site = await Site.StartAsync(configure: builder => builder.Services.AddSingleton<TimeProvider>(time));
        var browser = await site.LogInAsync(Roles.Auditor);
        using var live = await browser.GetStreamAsync(new Uri("/events", UriKind.Relative));
        Assert.NotEqual(0, await live.ReadAsync(new byte[100]));
        var stop = site.Bench.StopAsync();
        while (await live.ReadAsync(new byte[100]) > 0)
        {
        }
        await stop.WaitAsync(Bench.Never);
    }

    [Fact]
    public async Task Pages_and_refusals_carry_the_headers_and_nothing_inline()
    {
        await using var site = await Site.StartAsync();
        foreach (var (browser, path) in ((HttpClient, string)[])[(site.Stranger(), "/privacy"), (site.Stranger(), "/sign-in"),
            (await site.LogInAsync(Roles.Operator), "/federations")])
        {
            using var answer = await browser.OpenAsync(path);
            Assert.Equal(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
                answer.Headers.GetValues("Content-Security-Policy").Single());
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
            Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
            var html = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.DoesNotMatch("<script(?![^>]* src=)|<style| style=| on[a-z]+=|javascript:", html);
            // Nothing from elsewhere.
            Assert.DoesNotMatch("(src|href|action)=\"(https?:)?//", html);
        }
    }

    [Fact]
    public async Task A_dashboard_is_for_loopback_and_says_so()
    {
        var refused = Assert.Throws<FedLoraException>(() => DashboardAddress.EndPoint("http://0.0.0.0:5081"));
        Assert.Equal("listen-insecure", refused.Code);
        Assert.Equal("listen-invalid", Assert.Throws<FedLoraException>(() => DashboardAddress.EndPoint("here")).Code);
        await using var site = await Site.StartAsync();
        Assert.Equal("port-in-use", Assert.Throws<FedLoraException>(() => DashboardAddress.EndPoint(site.Bench.Pages)).Code);
        Assert.Equal("http://127.0.0.1:5081", DashboardAddress.Beside("http://127.0.0.1:5080"));
        Assert.Equal("http://127.0.0.1:0", DashboardAddress.Beside("http://127.0.0.1:0"));
        // Where nodes come through TLS from elsewhere, the pages stay on loopback.
        Assert.Equal("http://127.0.0.1:5081", DashboardAddress.Beside("https://0.0.0.0:5080"));
    }
}
