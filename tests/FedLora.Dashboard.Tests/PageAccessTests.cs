using System.Net;
using FedLora.Dashboard.Access;
using FedLora.Dashboard.Hosting;
using FedLora.Server.Authentication;
using FedLora.Server.Hosting;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace FedLora.Dashboard.Tests;

/// <summary>Every page, held against every role: a page that is added is held against them too.</summary>
public sealed class PageAccessTests
{
    // What a stranger may open, on purpose.
    private static readonly string[] Open = ["GET /sign-in", "POST /sign-in", "GET /assets/{name}"];

    private static readonly Dictionary<string, string> Values = new(StringComparer.Ordinal)
    {
        ["{node}"] = History.NodeName(0),
        ["{dataSet}"] = History.DataSet(0),
        ["{name}"] = History.FederationName(0),
        ["{round:int}"] = "3",
        ["{verb}"] = "stop",
    };

    [Fact]
    public void Every_page_names_its_policy_or_is_open_on_purpose()
    {
        var pages = Pages();
        Assert.True(pages.Count >= 20);
        Assert.Equal(Open.Order(StringComparer.Ordinal), pages.Where(page => page.Policy is null).Select(page => page.Name)
            .Order(StringComparer.Ordinal));
        Assert.All(pages.Where(page => page.Policy is not null), page =>
            Assert.Contains(page.Policy, (string[])[DashboardPolicies.Read, DashboardPolicies.Act]));
        // What changes something, and is not about the session itself, is for operators.
        Assert.All(pages.Where(page =>
            page.Name.StartsWith("POST", StringComparison.Ordinal) && page.Policy is not null && page.Name != "POST /sign-out"),
            page => Assert.Equal(DashboardPolicies.Act, page.Policy));
    }

    [Fact]
    public async Task Every_page_opens_for_whom_it_is_and_for_nobody_else()
    {
        var history = new History(2, 3, 3, 3);
        await using var site = await Site.StartAsync(history.WriteAsync);
        var (stranger, auditor, actor) = (site.Stranger(), await site.LogInAsync(Roles.Auditor), await site.LogInAsync(Roles.Operator));
        var wrong = new List<string>();
        foreach (var (name, path, policy) in Pages().Where(page => page.Policy is not null && page.Name != "POST /sign-out"))
        {
            foreach (var (who, browser) in ((string, HttpClient)[])[("stranger", stranger), ("auditor", auditor), ("operator", actor)])
            {
                var status = await StatusAsync(browser, name, path);
                var expected = who == "stranger" ? HttpStatusCode.Unauthorized : policy == DashboardPolicies.Act
                    && who == "auditor" ? HttpStatusCode.Forbidden : (HttpStatusCode?)null;
                if (expected is { } only ? status != only
                    : status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.InternalServerError
                        || (name.StartsWith("GET", StringComparison.Ordinal) && !path.EndsWith("adapter.zip", StringComparison.Ordinal)
                            && (int)status is < 200 or >= 400))
                    wrong.Add($"{name} for {who}: {status}");
            }
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Where_nodes_connect_there_are_no_pages_whatever_host_the_caller_names()
    {
        await using var site = await Site.StartAsync();
        using var node = new HttpClient
        {
            BaseAddress = new Uri(site.Bench.Operator.Url),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        node.DefaultRequestHeaders.Authorization = new("Bearer", site.Bench.Operator.Credential);
        node.DefaultRequestHeaders.Host = new Uri(site.Bench.Pages).Authority;
        foreach (var path in (string[])["/sign-in", "/privacy", "/events", "/", "/metrics"])
        {
            using var answer = await node.OpenAsync(path);
            Assert.Equal((path, HttpStatusCode.NotFound), (path, answer.StatusCode));
        }
        using (var health = await node.OpenAsync("/healthz"))
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        using var page = await site.Stranger().OpenAsync("/sign-in");
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
    }

    [Fact]
    public async Task A_nodes_credential_opens_no_page()
    {
        await using var site = await Site.StartAsync();
        var node =
            await site.Bench.Operator.Enrolment.EnrolAsync(
                new Protocol.V1.EnrolRequest { Token = await site.Bench.TokenAsync(), Name = "a", RequestId = new string('a', 32) });
        var browser = site.Stranger();
        foreach (var shown in (string[])[node.Credential, site.Bench.Operator.Credential!])
        {
            browser.DefaultRequestHeaders.Authorization = new("Bearer", shown);
            using var answer = await browser.OpenAsync("/privacy");
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient browser, string name, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(name.Split(' ')[0]), new Uri(path, UriKind.Relative));
        if (request.Method == HttpMethod.Post)
            request.Content = Site.Form(("nothing", "at all"));
        using var answer = await browser.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return answer.StatusCode;
    }

    private static List<(string Name, string Path, string? Policy)> Pages()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.AddFedLoraCoordinator(server => server.Data = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()));
        builder.AddFedLoraDashboard("http://127.0.0.1:0");
        var web = builder.Build().MapFedLoraCoordinator();
        return [.. ((IEndpointRouteBuilder)web).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<DashboardPage>() is not null)
            .SelectMany(endpoint =>
                endpoint.Metadata.GetRequiredMetadata<IHttpMethodMetadata>()
                    .HttpMethods.Select(method => ($"{method} {Raw(endpoint)}", Filled(Raw(endpoint)),
                endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null ? null
                    : endpoint.Metadata.GetMetadata<IAuthorizeData>()?.Policy ?? "none")))];
    }

    private static string Raw(RouteEndpoint endpoint) => "/" + endpoint.RoutePattern.RawText!.Trim('/');

    private static string Filled(string pattern)
    {
        if (pattern.StartsWith("/nodes/", StringComparison.Ordinal))
            pattern = pattern.Replace("{name}", "{node}", StringComparison.Ordinal);
        return Values.Aggregate(pattern, (path, value) => path.Replace(value.Key, value.Value, StringComparison.Ordinal));
    }
}
