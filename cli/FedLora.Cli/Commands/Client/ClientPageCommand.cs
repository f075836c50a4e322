using System.CommandLine;
using FedLora.Aggregation;
using FedLora.Cli.Output;
using FedLora.Privacy.Ledger;
using FedLora.SitePage;
using Spectre.Console;

namespace FedLora.Cli.Commands.Client;

/// <summary><c>fedlora client page</c>: <c>client status</c> as a page that follows what happens, for the site's own people.</summary>
internal static class ClientPageCommand
{
    public static Command Create()
    {
        var site = new SiteOptions();
        var policy = new Option<string?>("--policy") { Description = "The site's policy file; by default the one that the file says." };
        var port = new Option<int>("--port") { Description = "Of 127.0.0.1; 0 = any that is free.", DefaultValueFactory = _ => 0 };
        return site.AddTo(new Command("page",
            "Show what this site's node has spent, for whom, what it sends and does, as a page in the browser, until Ctrl-C; read from its "
                + "own folder, asks no coordinator.") { policy, port })
            .Streams(typeof(PageJson)).Runs(async (parsed, output, cancellationToken) =>
            {
                if (parsed.GetValue(port) is < 0 or > 65_535)
                    throw new UsageException($"--port is {parsed.GetValue(port)}", "Give a number from 0 to 65535.");
                var (folder, file) = site.Read(parsed);
                var allowed = (parsed.GetValue(policy) ?? file.Policy) is { } policyFile
                    ? SitePolicy.Load(policyFile, [.. Methods.All.Select(method => method.Name)]) : null;
                await using var page = await SitePageServer.StartAsync(folder, allowed, parsed.GetValue(port), TimeProvider.System,
                    cancellationToken);
                output.Result(new PageJson(page.Link.ToString()), console =>
                    console.WriteLine($"{page.Link} (this machine only, whoever has the link, until Ctrl-C)"));
                await page.ServeAsync(cancellationToken);
            });
    }

    /// <param name="Link">What opens the page; its key is this run's.</param>
    private sealed record PageJson(string Link);
}
