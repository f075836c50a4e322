using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using FedLora.Adapters;
using FedLora.Client.Connection;
using FedLora.Federations.Definitions;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;

namespace FedLora.Benchmarks.Serve;

/// <summary>
/// How many updates a second a coordinator takes from many nodes, each connected over mutual TLS; an update counts when it is checked,
/// on the disk and acknowledged. The nodes' own work (TLS, hashing) is done on the same machine.
/// </summary>
/// <param name="name">Of the case.</param>
/// <param name="modules">How many square modules the adapter has.</param>
/// <param name="width">Of each.</param>
/// <param name="rank">Of the factors: an update has 8 x modules x width x rank bytes.</param>
/// <param name="passes">How many updates of every node are counted, after as many that only warm the programs.</param>
internal sealed class UpdatesCase(string name, int modules, int width, int rank, int passes) : IServeCase
{
    private const int AtOnce = 100;
    private static readonly string OtherModel = new('b', 64);
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(30);

    public string Name => name;

    public bool Tls => true;

    public async Task<IReadOnlyList<ServeFigure>> MeasureAsync(ServerProcess server, ServeSize size, Action<string> remark,
        CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-bench-nodes-");
        var (nodes, others) = (new ConcurrentBag<LightNode>(), new ConcurrentBag<LightNode>());
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var polling = Task.CompletedTask;
        try
        {
            // One of them sends nothing: the round stays open, and what is measured is the taking of updates alone.
            var senders = size.Nodes + 1;
            var token = await server.TokenAsync(senders + size.Polling, cancellationToken);
            await ForEachAsync(Enumerable.Range(0, senders + size.Polling), async node =>
                (node < senders ? nodes : others).Add(await LightNode.JoinAsync(server.Url, token, Crowd.NameOf(node),
                    Path.Combine(folder.FullName, Crowd.NameOf(node)), node < senders ? Crowd.Fingerprint : OtherModel, cancellationToken)),
                cancellationToken);
            remark($"{nodes.Count + others.Count} nodes have joined");
            polling = Task.WhenAll(others.Select(node => PollAsync(node, over.Token)));
            using var connection = server.Connect();
            // A coordinator runs for months: what it compiles in its first seconds is not what is asked for.
            await TakeAsync(server, connection, "warm", nodes, cancellationToken);
            remark("the programs are warm");
            var taken = await TakeAsync(server, connection, "counted", nodes, cancellationToken);
            var (resident, peak) = server.Resident();
            return
            [
                new(name, taken.Waits.Length / taken.Seconds, "updates/s", LessIsBetter: false),
                new($"{name}-acknowledged-p50", taken.Waits[taken.Waits.Length / 2], "ms"),
                new($"{name}-acknowledged-p99", taken.Waits[taken.Waits.Length * 99 / 100], "ms"),
                new($"{name}-coordinator-cpu", taken.Cpu.TotalMilliseconds / taken.Waits.Length, "ms"),
                new($"{name}-rss", resident, "MiB"),
                new($"{name}-rss-peak", peak, "MiB"),
            ];
        }
        finally
        {
            await over.CancelAsync();
            await polling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var node in nodes.Concat(others))
                node.Dispose();
            folder.Delete(recursive: true);
        }
    }

    /// <summary>So many times over: all nodes take part in a federation's round, and all but one send an update.</summary>
    private async Task<Taken> TakeAsync(ServerProcess server, CoordinatorConnection connection, string federation,
        ConcurrentBag<LightNode> nodes, CancellationToken cancellationToken)
    {
        var (seconds, cpu, number, waits) = (0.0, TimeSpan.Zero, 0, new ConcurrentBag<double>());
        for (var pass = 1; pass <= passes; pass++)
        {
            var definition = Define(string.Create(CultureInfo.InvariantCulture, $"{federation}-{pass}"), nodes.Count);
            await connection.Admin.CreateFederationAsync(new CreateFederationRequest { Definition = definition },
                connection.Options(cancellationToken));
            var started = new FederationName { Name = definition.Name };
            await connection.Admin.StartFederationAsync(started, connection.Options(cancellationToken));
            var tasks = new ConcurrentBag<(LightNode Node, TrainingTask Task)>();
            await Task.WhenAll(nodes.Select(async node => tasks.Add((node, await TaskAsync(node, cancellationToken)))));

            var update = UpdateOf(definition);
            var (before, begun) = (server.Cpu(), Stopwatch.GetTimestamp());
            await ForEachAsync(tasks.Skip(1), async item =>
            {
                var own = Own(update, Interlocked.Increment(ref number));
                var sent = Stopwatch.GetTimestamp();
                await item.Node.SendAsync(item.Task, own, cancellationToken);
                waits.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
            }, cancellationToken);
            seconds += Stopwatch.GetElapsedTime(begun).TotalSeconds;
            cpu += server.Cpu() - before;
            await connection.Admin.StopFederationAsync(started, connection.Options(cancellationToken));
            await connection.Upkeep.DeleteFederationAsync(started, connection.Options(cancellationToken));
        }

        return new Taken(seconds, cpu, [.. waits.Order()]);
    }

    /// <summary>As a node for which there is no work.</summary>
    private static async Task PollAsync(LightNode node, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
            await node.PollAsync(Wait, cancellationToken);
    }

    private static async Task<TrainingTask> TaskAsync(LightNode node, CancellationToken cancellationToken)
    {
        for (var asked = 0; asked < 10; asked++)
        {
            if (await node.PollAsync(Wait, cancellationToken) is { } task)
                return task;
        }

        throw new FedLoraException("bench-no-task", "a node was given no task", "start the bench again");
    }

    private Protocol.V1.FederationDefinition Define(string federation, int nodes)
    {
        var definition = CrowdCase.Define(federation, 1, nodes);
        definition.Lora.Rank = (uint)rank;
        definition.Lora.Alpha = 2 * rank;
        definition.Layout = new Protocol.V1.AdapterLayout();
        for (var module = 0; module < modules; module++)
        {
            var named = string.Create(CultureInfo.InvariantCulture, $"l.{module}.q");
            definition.Layout.Modules.Add(new LayoutModule { Name = named, DOut = (uint)width, DIn = (uint)width });
        }

        return definition;
    }

    private static byte[] UpdateOf(Protocol.V1.FederationDefinition wire)
    {
        var definition = wire.ToModel();
        var random = new Random(1);
        return new AdapterState(definition.LayoutOf(definition.Lora.Rank).Tensors(definition.SentFactors(1)).Select(tensor =>
        {
            var values = new float[AdapterTensor.Count(tensor.Shape)];
            for (var i = 0; i < values.Length; i++)
                values[i] = random.NextSingle() / 100;
            return new AdapterTensor(tensor.Name, tensor.Shape, values);
        })).ToBytes();
    }

    /// <summary>Another update of the same tensors: its last value is the node's.</summary>
    private static byte[] Own(byte[] update, int number)
    {
        var own = update.ToArray();
        BinaryPrimitives.WriteSingleLittleEndian(own.AsSpan(own.Length - sizeof(float)), number * 1e-6f);
        return own;
    }

    private static Task ForEachAsync<T>(IEnumerable<T> items, Func<T, Task> action, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (item, _) => await action(item));

    /// <param name="Seconds">From the first byte to the last acknowledgement.</param>
    /// <param name="Cpu">The coordinator's processor time.</param>
    /// <param name="Waits">From an update's first byte to its acknowledgement, ms, ascending.</param>
    private sealed record Taken(double Seconds, TimeSpan Cpu, double[] Waits);
}
