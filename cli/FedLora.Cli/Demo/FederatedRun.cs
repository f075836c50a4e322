using System.Diagnostics;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Cli.Commands.Admin;
using FedLora.Cli.Processes;
using FedLora.Client.Connection;
using FedLora.Client.State;
using FedLora.Client.Training;
using FedLora.Protocol;
using FedLora.Protocol.V1;
using FedLora.Server.Hosting;
using FedLora.Simulations.Demo;
using Grpc.Core;

namespace FedLora.Cli.Demo;

/// <summary>What a federation did.</summary>
/// <param name="View">At its end.</param>
/// <param name="Seconds">From its start to its end.</param>
/// <param name="Nodes">With the bytes on their sockets.</param>
/// <param name="Adapter">The result for PEFT; null where every node has its own.</param>
/// <param name="Personal">The nodes' own adapters where there is none for all; otherwise empty.</param>
internal sealed record FederatedResult(FederationView View, double Seconds, IReadOnlyList<NodeView> Nodes, PeftFolder? Adapter, IReadOnlyList<AdapterState> Personal)
{
    /// <summary>What every site has spent, by the receipts of its ledger.</summary>
    internal IReadOnlyList<SiteEpsilon> Spent => [.. View.Privacy.Select(node => new SiteEpsilon(node.Node, node.SpentEpsilon, node.Delta, node.NoiseMultiplier, node.SamplingRate, (int)node.Rounds))];
}

/// <summary>One coordinator process and one client process per site, from start to finish.</summary>
internal sealed class FederatedRun(DemoOptions options, DemoWorkplace workplace, DemoData data)
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);
    private readonly List<ChildProcess> processes = [];

    /// <summary>Runs the federation; when this returns or throws, all its processes have ended.</summary>
    internal async Task<FederatedResult> RunAsync(Action<FederationView, IReadOnlyList<(string Name, int Id)>> show, CancellationToken cancellation)
    {
        try
        {
            var prepared = FederationPreparation.Prepare(DemoFederation.Define(options, [.. data.Summary.Select(site => site.Mails)]), options.Model, null, cancellation);
            using var connection = await StartServerAsync(cancellation);
            var failure = new CancellationTokenSource();
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, failure.Token);
            var token = await connection.Admin.CreateTokenAsync(new CreateTokenRequest { Uses = (uint)options.Nodes }, connection.Call(cancellation));
            StartClients(connection.Url, token.Token);
            await FederationCreateCommand.CreateAsync(connection, prepared, cancellation);
            var run = FederateAsync(connection, show, either.Token);
            var first = await Task.WhenAny([run, .. processes.Select(process => process.FailsAsync(either.Token))]);
            await failure.CancelAsync();
            await first;
            return await run;
        }
        catch (RpcException error)
        {
            cancellation.ThrowIfCancellationRequested();
            throw RpcErrors.FromRpc(error, "the demo's coordinator");
        }
        finally
        {
            await Task.WhenAll(processes.Select(process => process.DisposeAsync().AsTask()));
        }
    }

    private async Task<CoordinatorConnection> StartServerAsync(CancellationToken cancellation)
    {
        var server = Start("coordinator", threads: 1, "server", "--data", workplace.ServerData, "--listen", "http://127.0.0.1:0", "--with-parent");
        var file = DataFolder.UrlFileOf(workplace.ServerData);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(StartLimit);
        var failed = server.FailsAsync(limit.Token);
        while (!File.Exists(file))
        {
            if (failed.IsCompleted)
                await failed;
            await Task.Delay(Look, limit.Token);
        }
        var token = await File.ReadAllTextAsync(OperatorToken.FileOf(workplace.ServerData), cancellation);
        return new CoordinatorConnection((await File.ReadAllTextAsync(file, cancellation)).Trim()) { Credential = token.Trim() };
    }

    private void StartClients(string url, string token)
    {
        for (var site = 1; site <= options.Nodes; site++)
        {
            Start($"site-{site}", options.Threads, "client", "--coordinator", url, "--token", token, "--name", $"site-{site}", "--data", data.Sites[site - 1],
                "--model", options.Model, "--state", workplace.NodeState(site), "--threads", options.Threads.ToString(), "--with-parent");
        }
    }

    private async Task<FederatedResult> FederateAsync(CoordinatorConnection connection, Action<FederationView, IReadOnlyList<(string Name, int Id)>> show, CancellationToken cancellation)
    {
        var name = new FederationName { Name = DemoFederation.Name };
        var ids = processes.Select(process => (process.Name, process.Id)).ToList();
        var watch = Stopwatch.StartNew();
        await connection.Admin.StartFederationAsync(name, connection.Call(cancellation));
        using var call = connection.Admin.WatchFederation(name, connection.Options(cancellation));
        FederationView? last = null;
        while (await call.ResponseStream.MoveNext(cancellation))
        {
            last = call.ResponseStream.Current;
            show(last, ids);
            if (last.State == FederationState.Paused)
                throw new FedLoraException("demo-failed", $"the federation paused: {last.Reason}", $"the logs are in {workplace.Logs}");
        }
        var seconds = watch.Elapsed.TotalSeconds;
        if (last is not { State: FederationState.Finished })
            throw new FedLoraException("demo-failed", $"the federation ended as {last?.State}: {last?.Reason}", $"the logs are in {workplace.Logs}");
        var nodes = await NodesAtRestAsync(connection, cancellation);
        if (!Methods.Get(options.Method).Traits.Personalised)
            return new FederatedResult(last, seconds, nodes, (await ExportCommand.FetchAsync(connection, DemoFederation.Name, null, cancellation)).Adapter, []);
        var global = await ExportCommand.FetchGlobalAsync(connection, DemoFederation.Name, cancellation);
        return new FederatedResult(last, seconds, nodes, null, [.. Enumerable.Range(1, options.Nodes).Select(site => Personal(global, site))]);
    }

    private AdapterState Personal(AdapterState global, int site) =>
        KeptFactors.Newest(NodeFolder.FederationFolderOf(workplace.NodeState(site), DemoFederation.Name)) is { } kept ? global.With(kept) : global;

    // The last count of bytes comes with a node's next poll, a moment after the last round.
    private static async Task<IReadOnlyList<NodeView>> NodesAtRestAsync(CoordinatorConnection connection, CancellationToken cancellation)
    {
        var before = 0UL;
        for (var look = 0; ; look++)
        {
            var nodes = (await connection.Admin.ListNodesAsync(new ListNodesRequest(), connection.Call(cancellation))).Nodes;
            var now = nodes.Aggregate(0UL, (sum, node) => sum + (node.Traffic?.Sent ?? 0));
            if ((now == before && look > 4) || look > 30)
                return nodes;
            before = now;
            await Task.Delay(Look, cancellation);
        }
    }

    private ChildProcess Start(string name, int threads, params string[] args)
    {
        var process = ChildProcess.Start(name, Path.Combine(workplace.Logs, $"{name}.log"), threads, args);
        processes.Add(process);
        return process;
    }
}
