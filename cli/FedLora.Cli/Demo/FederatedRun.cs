using System.Diagnostics;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Cli.Commands.Admin;
using FedLora.Cli.Processes;
using FedLora.Client.Connection;
using FedLora.Client.State;
using FedLora.Client.Trainers;
using FedLora.Protocol;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using FedLora.Server.Hosting;
using FedLora.Simulations.Demo;
using FedLora.Training.Preparation;
using Grpc.Core;

namespace FedLora.Cli.Demo;

/// <summary>What a federation did.</summary>
/// <param name="View">At its end.</param>
/// <param name="Seconds">From its start to its end.</param>
/// <param name="Nodes">As they are then.</param>
/// <param name="BytesUp">On the socket, all its rounds, mean over the nodes.</param>
/// <param name="BytesDown">Likewise.</param>
/// <param name="Adapter">The result for PEFT; null where every node has its own.</param>
/// <param name="Personal">The nodes' own adapters where there is none for all; otherwise empty.</param>
internal sealed record FederatedResult(
    FederationView View, double Seconds, IReadOnlyList<NodeView> Nodes, double BytesUp, double BytesDown, PeftFolder? Adapter,
    IReadOnlyList<AdapterState> Personal)
{
    /// <summary>What every site has spent, by the receipts of its ledger.</summary>
    internal IReadOnlyList<SiteEpsilon> Spent =>
        [.. View.Privacy.Where(node => node.Node.Length > 0)
            .Select(
                node => new SiteEpsilon(node.Node, node.SpentEpsilon, node.Delta, node.NoiseMultiplier, node.SamplingRate,
                    (int)node.Rounds))];
}

/// <summary>One coordinator process and one client process per site, which run federations one after the other until disposed of.</summary>
internal sealed class FederatedRun : IAsyncDisposable
{
    private const string CoordinatorName = "coordinator";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);
    private readonly DemoOptions _options;
    private readonly DemoWorkplace _workplace;
    private readonly DemoData _data;
    private readonly List<ChildProcess> _processes = [];
    private readonly CancellationTokenSource _ending = new();
    private CoordinatorConnection? _coordinator;
    private Task<Task>? _failing;
    private (double Up, double Down) _counted;

    private CoordinatorConnection Coordinator => _coordinator ?? throw new InvalidOperationException("The processes have not started.");

    private FederatedRun(DemoOptions options, DemoWorkplace workplace, DemoData data) =>
        (this._options, this._workplace, this._data) = (options, workplace, data);

    /// <summary>Starts the processes.</summary>
    /// <param name="options">Sites and their base model.</param>
    /// <param name="workplace">Takes their folders and logs.</param>
    /// <param name="data">The sites' data.</param>
    /// <param name="cancellationToken">Ends the wait for the coordinator.</param>
    internal static async Task<FederatedRun> StartAsync(DemoOptions options, DemoWorkplace workplace, DemoData data,
        CancellationToken cancellationToken)
    {
        var run = new FederatedRun(options, workplace, data);
        try
        {
            var server = run._coordinator = await run.StartServerAsync(cancellationToken);
            var token = await server.Admin.CreateTokenAsync(new CreateTokenRequest { Uses = (uint)options.Nodes },
                server.Call(cancellationToken));
            run.StartClients(server.Url, token.Token);
            run._failing = Task.WhenAny(run._processes.Select(process => process.FailsAsync(run._ending.Token)));
            return run;
        }
        catch (Exception error)
        {
            await run.DisposeAsync();
            if (error is not RpcException rpc)
                throw;
            await Interruption.SettleAsync(cancellationToken);
            throw RpcErrors.FromRpc(rpc, "the demo's coordinator");
        }
    }

    /// <summary>Runs a federation from its creation to its end.</summary>
    /// <param name="federation">What it is; its sites and base model are those of the start.</param>
    /// <param name="show">Told of every change.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    internal async Task<FederatedResult> RunAsync(DemoOptions federation, Action<FederationView, IReadOnlyList<(string Name, int Id)>> show,
        CancellationToken cancellationToken)
    {
        try
        {
            EmptyCaches();
            var prepared = FederationPreparation.Prepare(DemoFederation.Define(federation, [.. _data.Summary.Select(site => site.Mails)]),
                federation.Model, null, cancellationToken);
            await FederationCreateCommand.CreateAsync(Coordinator, prepared, cancellationToken);
            using var failure = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var run = FederateAsync(federation, show, failure.Token);
            if (await Task.WhenAny(run, _failing!) != run)
            {
                await failure.CancelAsync();
                await Interruption.SettleAsync(cancellationToken);
                await await _failing!;
            }
            return await run;
        }
        catch (RpcException error)
        {
            await Interruption.SettleAsync(cancellationToken);
            throw RpcErrors.FromRpc(error, "the demo's coordinator");
        }
    }

    /// <summary>The coordinator's folder.</summary>
    internal string Data => _workplace.ServerData;

    /// <summary>A link that opens the coordinator's dashboard, once.</summary>
    internal async Task<string> DashboardLinkAsync(CancellationToken cancellationToken) =>
        (await Coordinator.Upkeep.CreateDashboardLinkAsync(new CreateDashboardLinkRequest(), Coordinator.Call(cancellationToken))).Url;

    /// <summary>Ends the sites, which have nothing more to do and would only keep the processor from what follows.</summary>
    /// <param name="all">The coordinator too.</param>
    internal async Task EndSitesAsync(bool all)
    {
        await _ending.CancelAsync();
        var over = _processes.Where(process => all || process.Name != CoordinatorName).ToList();
        await Task.WhenAll(over.Select(process => process.DisposeAsync().AsTask()));
        _processes.RemoveAll(over.Contains);
    }

    /// <summary>Ends all processes.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _coordinator?.Dispose();
        await Task.WhenAll(_processes.Select(process => process.DisposeAsync().AsTask()));
        _ending.Dispose();
    }

    private async Task<CoordinatorConnection> StartServerAsync(CancellationToken cancellationToken)
    {
        var server =
            Start(
                CoordinatorName, threads: 1, "server", "--data", _workplace.ServerData, "--listen", "http://127.0.0.1:0", "--with-parent");
        var file = DataFolder.UrlFileOf(_workplace.ServerData);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StartLimit);
        var failed = server.FailsAsync(limit.Token);
        while (!File.Exists(file))
        {
            if (failed.IsCompleted)
                await failed;
            await Task.Delay(Look, TimeProvider.System, limit.Token);
        }
        var token = await File.ReadAllTextAsync(AccessTokens.FileOf(_workplace.ServerData, Roles.Operator), cancellationToken);
        return new CoordinatorConnection((await File.ReadAllTextAsync(file, cancellationToken)).Trim()) { Credential = token.Trim() };
    }

    private void StartClients(string url, string token)
    {
        AtomicFile.Write(_workplace.JoinToken, token);
        for (var site = 1; site <= _options.Nodes; site++)
        {
            Start($"site-{site}", _options.Threads, "client", "--coordinator", url, "--token-file", _workplace.JoinToken, "--name",
                $"site-{site}", "--data", _data.Sites[site - 1],
                "--model", _options.Model, "--state", _workplace.NodeState(site),
                "--threads", _options.Threads.ToString(), "--with-parent");
        }
    }

    private async Task<FederatedResult> FederateAsync(DemoOptions federation,
        Action<FederationView, IReadOnlyList<(string Name, int Id)>> show, CancellationToken cancellationToken)
    {
        var name = new FederationName { Name = federation.Federation };
        var ids = _processes.Select(process => (process.Name, process.Id)).ToList();
        var watch = Stopwatch.StartNew();
        await Coordinator.Admin.StartFederationAsync(name, Coordinator.Call(cancellationToken));
        using var call = Coordinator.Admin.WatchFederation(name, Coordinator.Options(cancellationToken));
        FederationView? last = null;
        while (await call.ResponseStream.MoveNext(cancellationToken))
        {
            last = call.ResponseStream.Current;
            show(last, ids);
            if (last.State == FederationState.Paused)
                throw new FedLoraException("demo-failed", $"the federation paused: {last.Reason}", $"the logs are in {_workplace.Logs}");
        }
        var seconds = watch.Elapsed.TotalSeconds;
        if (last is not { State: FederationState.Finished })
            throw new FedLoraException("demo-failed", $"the federation ended as {last?.State}: {last?.Reason}",
                $"the logs are in {_workplace.Logs}");
        var nodes = await NodesAtRestAsync(cancellationToken);
        var before = _counted;
        _counted = (nodes.Average(node => (double)(node.Traffic?.Sent ?? 0)), nodes.Average(node => (double)(node.Traffic?.Received ?? 0)));
        var result = new FederatedResult(last, seconds, nodes, _counted.Up - before.Up, _counted.Down - before.Down, null, []);
        if (!Methods.Get(federation.Method).Traits.Personalised)
            return result with
            {
                Adapter = (await ExportCommand.FetchAsync(Coordinator, federation.Federation, null, cancellationToken)).Adapter,
            };
        var global = await ExportCommand.FetchGlobalAsync(Coordinator, federation.Federation, cancellationToken);
        return result with { Personal = [.. Enumerable.Range(1, _options.Nodes).Select(site => Personal(global, federation, site))] };
    }

    // What an earlier federation fetched would not be counted for this one.
    private void EmptyCaches()
    {
        foreach (var cache in Enumerable.Range(1, _options.Nodes).Select(site => NodeFolder.CacheOf(_workplace.NodeState(site)))
            .Where(Directory.Exists))
        {
            foreach (var blob in Directory.EnumerateFiles(cache))
                File.Delete(blob);
        }
    }

    private AdapterState Personal(AdapterState global, DemoOptions federation, int site) =>
        KeptFactors.Newest(NodeFolder.FederationFolderOf(_workplace.NodeState(site), federation.Federation)) is { } kept ? global.With(kept)
            : global;

    // The last count of bytes comes with a node's next poll, a moment after the last round.
    private async Task<IReadOnlyList<NodeView>> NodesAtRestAsync(CancellationToken cancellationToken)
    {
        var before = 0UL;
        for (var look = 0; ; look++)
        {
            var nodes = (await Coordinator.Admin.ListNodesAsync(new ListNodesRequest(), Coordinator.Call(cancellationToken))).Nodes;
            var now = nodes.Aggregate(0UL, (sum, node) => sum + (node.Traffic?.Sent ?? 0));
            if ((now == before && look > 4) || look > 30)
                return nodes;
            before = now;
            await Task.Delay(Look, TimeProvider.System, cancellationToken);
        }
    }

    private ChildProcess Start(string name, int threads, params string[] args)
    {
        var process = ChildProcess.Start(name, Path.Combine(_workplace.Logs, $"{name}.log"), threads, args);
        _processes.Add(process);
        return process;
    }
}
