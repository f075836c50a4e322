using System.Diagnostics;
using FedLora.Protocol.V1;

namespace FedLora.Benchmarks.Serve;

/// <summary>
/// What a federation of real nodes, ledger and folder and all, waits for besides training: a round of sixteen, and the first result of
/// four after the start, over mutual TLS.
/// </summary>
internal sealed class FewNodesCase : IServeCase
{
    private const int Rounds = 40;
    private const int Few = 4;
    private const int Many = 16;

    public string Name => "few-nodes";

    public bool Tls => true;

    public async Task<IReadOnlyList<ServeFigure>> MeasureAsync(ServerProcess server, ServeSize size, Action<string> remark,
        CancellationToken cancellationToken)
    {
        // Four that nobody has seen before: so it is when a federation is first begun.
        var (first, _) = await RunAsync(server, "first", Few, 1, cancellationToken);
        remark("the first result is there");
        var (_, rounds) = await RunAsync(server, "many", Many, Rounds, cancellationToken);
        return
        [
            new("first-result-4", first, "s"),
            new("round-16", rounds[rounds.Length / 2], "s"),
            new("round-16-longest", rounds[^1], "s"),
        ];
    }

    /// <summary>Seconds from the start to the first result, and those of each later round, ascending.</summary>
    private static async Task<(double First, double[] Later)> RunAsync(ServerProcess server, string name, int nodes, int rounds,
        CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-bench-nodes-");
        var running = new List<TinyNode>();
        try
        {
            var token = await server.TokenAsync(nodes, cancellationToken);
            for (var node = 0; node < nodes; node++)
            {
                running.Add(TinyNode.Start(server, $"{name}-{node}", Path.Combine(folder.FullName, $"{node}"), token, _ => { }));
            }

            using var connection = server.Connect();
            var options = () => connection.Options(cancellationToken);
            await connection.Admin.CreateFederationAsync(
                new CreateFederationRequest { Definition = CrowdCase.Define(name, rounds, nodes) }, options());
            await UntilHereAsync(connection, $"{name}-", nodes, cancellationToken);
            using var watch = connection.Admin.WatchFederation(new FederationName { Name = name }, options());
            var begun = Stopwatch.GetTimestamp();
            await connection.Admin.StartFederationAsync(new FederationName { Name = name }, options());
            var (done, at, later) = (0u, begun, new List<double>());
            var first = 0.0;
            while (await watch.ResponseStream.MoveNext(cancellationToken))
            {
                var view = watch.ResponseStream.Current;
                if (view.State == FederationState.Paused)
                    throw new FedLoraException("bench-paused", $"{name} paused: {view.Reason}", "start the bench again");
                if (view.RoundsDone == done)
                    continue;
                var (elapsed, more) = (Stopwatch.GetElapsedTime(at).TotalSeconds, view.RoundsDone - done);
                if (done == 0)
                    first = elapsed;
                else
                    later.AddRange(Enumerable.Repeat(elapsed / more, (int)more));
                (done, at) = (view.RoundsDone, Stopwatch.GetTimestamp());
            }

            return (first, [.. later.Order()]);
        }
        finally
        {
            foreach (var node in running)
                await node.DisposeAsync();
            folder.Delete(recursive: true);
        }
    }

    private static async Task UntilHereAsync(Client.Connection.CoordinatorConnection connection, string prefix, int nodes,
        CancellationToken cancellationToken)
    {
        for (var asked = 0; asked < 600; asked++)
        {
            var list = await connection.Admin.ListNodesAsync(new ListNodesRequest(), connection.Options(cancellationToken));
            if (list.Nodes.Count(node => node.Online && node.Name.StartsWith(prefix, StringComparison.Ordinal)) >= nodes)
                return;
            await Task.Delay(100, cancellationToken);
        }

        throw new FedLoraException("bench-no-nodes", "the nodes did not come", "start the bench again");
    }
}
