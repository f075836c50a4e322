using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Cli.Processes;
using FedLora.Dashboard.Hosting;
using FedLora.Server.Hosting;
using Spectre.Console;

namespace FedLora.Cli.Commands.Server;

/// <summary><c>fedlora server</c>: runs a coordinator until Ctrl-C or SIGTERM.</summary>
internal static class ServerCommand
{
    public static Command Create()
    {
        var data = new Option<string>("--data")
        {
            Description = "Folder for everything that the coordinator keeps; made if it is not there.",
            Required = true,
        };
        var listen = new Option<string>("--listen")
        {
            Description = "Address to listen on, https://IP:PORT (or http:// on loopback, without TLS); port 0 takes a free one.",
            DefaultValueFactory = _ => new ServerOptions().Listen,
        };
        var certificate = new Option<string?>("--certificate")
        {
            Description =
                "PEM file of a certificate to show instead of one by the coordinator's own authority; nodes check it, and the host's "
                    + "name, against what their machines trust.",
        };
        var key = new Option<string?>("--certificate-key") { Description = "PEM file of its key, not encrypted." };
        var postgres = PostgresOption.Create("The PostgreSQL database that the coordinators of a cluster share");
        var silo = new Option<string>("--silo")
        {
            Description = "With --postgres: IP:PORT at which the other coordinators reach this one; not encrypted, a network of their own.",
            DefaultValueFactory = _ => new ServerOptions().Silo,
        };
        var gateway = new Option<int>("--gateway")
        {
            Description = "With --postgres: port, at --silo's address, at which frontends reach this one; 0 takes a free one.",
        };
        var frontend = new Option<bool>("--frontend")
        {
            Description = "With --postgres: take calls and uploads without a silo, for the cluster's coordinators, which need to be there.",
        };
        var dashboard = new Option<string?>("--dashboard")
        {
            Description = "Where people look at it in a browser: https://IP:PORT, where a certificate lets them in too, or http:// on "
                + "loopback; off: nowhere. Default: on loopback, the port after --listen's.",
        };
        var log = LogFile.Create();
        var withParent = ParentWatch.Create();
        return new Command("server", "Run a coordinator: it enrols nodes, runs federations and aggregates their updates.")
        {
            data,
            listen,
            certificate,
            key,
            postgres,
            silo,
            gateway,
            frontend,
            dashboard,
            log,
            withParent,
        }.Streams(typeof(ServerJson))
            .Runs(async (parsed, output, cancellationToken) =>
            {
                using var ending = ParentWatch.Follow(parsed.GetValue(withParent), cancellationToken);
                var options = new ServerOptions
                {
                    Data = parsed.GetValue(data)!,
                    Listen = parsed.GetValue(listen)!,
                    Certificate = parsed.GetValue(certificate),
                    CertificateKey = parsed.GetValue(key),
                    Postgres = parsed.GetValue(postgres),
                    Silo = parsed.GetValue(silo)!,
                    Gateway = parsed.GetValue(gateway),
                    Frontend = parsed.GetValue(frontend),
                };
                if (options.Frontend && options.Postgres is null)
                    throw new UsageException("a frontend needs the database of its cluster", "Give --postgres CONN too.");
                if (options.Frontend && (IsGiven(parsed, silo) || IsGiven(parsed, gateway)))
                    throw new UsageException("a frontend has no silo", "Leave --silo and --gateway out.");
                if (options.Gateway is < 0 or > 65_535)
                    throw new UsageException($"--gateway {options.Gateway} is no port", "Use 1 to 65535, or 0 for a free one.");
                var pages = parsed.GetValue(dashboard) ?? DashboardAddress.Beside(options.Listen);
                await using var host = await CoordinatorHost.StartAsync(
                    options,
                    builder =>
                    {
                        LongRunning.Configure(builder, "fedlora-coordinator", parsed.GetValue(log));
                        if (pages != DashboardAddress.Off)
                            builder.AddFedLoraDashboard(pages);
                    },
                    ending.Token);
                output.Result(new ServerJson("listening", host.Url, host.PagesUrl, Path.GetFullPath(options.Data)), console =>
                {
                    var folder = PrintedCommands.Quoted(options.Data);
                    console.WriteLine(
                        output.Complete(
                            $"Coordinator on {host.Url}. Ctrl-C ends it. Operators on this machine: "
                                + $"fedlora admin --data {folder} federation list"));
                    if (host.PagesUrl is { } url)
                        console.WriteLine(
                            output.Complete($"Dashboard on {url}. What opens it: fedlora admin --data {folder} dashboard-link"));
                });
                await host.WaitAsync(ending.Token);
            });
    }

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };
}

/// <param name="State">listening: it answers.</param>
/// <param name="Url">Where, with the port that it really has.</param>
/// <param name="Dashboard">Where people look at it; null: nowhere.</param>
/// <param name="Data">Its folder.</param>
internal sealed record ServerJson(string State, string Url, string? Dashboard, string Data);
