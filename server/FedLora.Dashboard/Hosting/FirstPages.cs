using System.Security.Claims;
using FedLora.Dashboard.Federations;
using FedLora.Dashboard.Pages;
using FedLora.Dashboard.Privacy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FedLora.Dashboard.Hosting;

/// <summary>
/// Makes the two pages that people open first once for nobody, some seconds after the start: the first one of a process compiles what it is
/// made of and reads every node's state, for which nobody should wait.
/// </summary>
internal sealed class FirstPages(IServiceScopeFactory scopes, PageRenderer renderer, PrivacyBook privacy, FederationBook federations,
    TimeProvider time, ILogger<FirstPages> log) : BackgroundService
{
    // After the start's own work; who is that quick waits a third of a second for a first page.
    private static readonly TimeSpan After = TimeSpan.FromSeconds(5);

    /// <summary>Makes them.</summary>
    internal async Task MakeAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var auditor = new ClaimsIdentity([new Claim(ClaimTypes.Role, Roles.Auditor)], nameof(FirstPages));
        var http = new DefaultHttpContext { RequestServices = scope.ServiceProvider, User = new ClaimsPrincipal(auditor) };
        var rows = await privacy.RowsAsync(cancellationToken);
        await renderer.PageAsync<PrivacyPage>(http, new { Rows = Paging.Of(rows, 1), Query = "", All = rows });
        var lines = await federations.ListAsync(cancellationToken);
        await renderer.PageAsync<FederationsPage>(http, new { Lines = Paging.Of(lines, 1) });
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await Task.Delay(After, time, stoppingToken);
            await MakeAsync(stoppingToken);
        }
        catch (Exception error) when (!stoppingToken.IsCancellationRequested)
        {
            // Who opens a page is told what is wrong with it.
            log.NotMade(error);
        }
    }
}
