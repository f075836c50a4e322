using System.Diagnostics;
using System.Globalization;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.V1;

namespace FedLora.Benchmarks.Serve;

/// <summary>
/// A long federation of tiny rounds with two real nodes: what one of its last rounds takes beside its 100th, at the coordinator and at the
/// nodes (ledger and folder are theirs), and how soon it is shown. Another federation goes before, so that both are taken by programs that
/// are warm, and a new one after it: what its 100th round takes is asked seconds after the last of the long one, not minutes before.
/// Processor time says it best; a round's own time is the median, for other work on the machine lies in it.
/// </summary>
internal sealed class RoundsCase : IServeCase
{
    private const int Warm = 500;
    private const int Window = 500;
    private const int Before = 50;
    private const int Asked = 21;

    public string Name => "rounds";

    public async Task<IReadOnlyList<ServeFigure>> MeasureAsync(ServerProcess server, ServeSize size, Action<string> remark,
        CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-bench-nodes-");
        try
        {
            await RunAsync(server, "warm", Math.Min(Warm, size.Rounds), folder.FullName, _ => { }, cancellationToken);
            remark("the programs are warm");
            var marks = new Mark[size.Rounds + 1];
            await RunAsync(server, "long", size.Rounds, folder.FullName, round =>
            {
                marks[round] = Mark.Now(server);
                if (round % 1000 != 0)
                    return;
                // Whether it grows is seen by the course: a window of a few seconds may have had other work beside it.
                var cost = Cost.Of(marks, round - 1000, 999);
                remark(string.Create(CultureInfo.InvariantCulture,
                    $"round {round}: {cost.Wall:0.0} ms, coordinator {cost.Coordinator:0.0}, nodes {cost.Nodes:0.0} ms of processor time"));
            }, cancellationToken);
            var again = new Mark[Before + Window + 2];
            await RunAsync(server, "new", again.Length - 1, folder.FullName, round => again[round] = Mark.Now(server), cancellationToken);
            remark("a new federation has had its first rounds");
            var (early, late, fresh) =
                (Cost.Of(marks, Before, Window), Cost.Of(marks, size.Rounds - Window, Window), Cost.Of(again, Before, Window));
            var show = await ShowAsync(server, cancellationToken);
            var state = Path.Combine(folder.FullName, "long-0");
            var begun = Stopwatch.GetTimestamp();
            using var ledger = PrivacyLedger.Open(Path.Combine(state, "ledger"));
            var opening = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
            var files = new DirectoryInfo(state).GetFiles("*", SearchOption.AllDirectories);
            return
            [
                new("round-100", early.Wall, "ms"),
                new("round-last", late.Wall, "ms"),
                new("round-100-coordinator-cpu", early.Coordinator, "ms"),
                new("round-last-coordinator-cpu", late.Coordinator, "ms"),
                new("round-100-nodes-cpu", early.Nodes, "ms"),
                new("round-last-nodes-cpu", late.Nodes, "ms"),
                new("round-100-of-a-new-one", fresh.Wall, "ms"),
                new("round-100-of-a-new-one-coordinator-cpu", fresh.Coordinator, "ms"),
                new("round-100-of-a-new-one-nodes-cpu", fresh.Nodes, "ms"),
                new("cost-last-over-100", (late.Coordinator + late.Nodes) / (early.Coordinator + early.Nodes), "x"),
                new("cost-last-over-100-of-a-new-one", (late.Coordinator + late.Nodes) / (fresh.Coordinator + fresh.Nodes), "x"),
                new("show", show, "ms"),
                new("ledger-entries", ledger.Entries.Count, "", LessIsBetter: false),
                new("ledger-open", opening, "ms"),
                new("node-files", files.Length, ""),
                new("node-folder", files.Sum(file => file.Length) / 1048576.0, "MiB"),
            ];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task RunAsync(ServerProcess server, string federation, int rounds, string folder, Action<int> training,
        CancellationToken cancellationToken)
    {
        var token = await server.TokenAsync(2, cancellationToken);
        await using var first = TinyNode.Start(server, $"{federation}-0", Path.Combine(folder, $"{federation}-0"), token, training);
        await using var second = TinyNode.Start(server, $"{federation}-1", Path.Combine(folder, $"{federation}-1"), token, _ => { });
        using var connection = server.Connect();
        var options = () => connection.Options(cancellationToken);
        await connection.Admin.CreateFederationAsync(
            new CreateFederationRequest { Definition = CrowdCase.Define(federation, rounds, 2) }, options());
        await connection.Admin.StartFederationAsync(new FederationName { Name = federation }, options());
        using var watch = connection.Admin.WatchFederation(new FederationName { Name = federation }, options());
        while (await watch.ResponseStream.MoveNext(cancellationToken))
        {
            var view = watch.ResponseStream.Current;
            if (view.State == FederationState.Paused)
                throw new FedLoraException("bench-paused", $"{federation} paused: {view.Reason}", "start the bench again");
        }
    }

    private static async Task<double> ShowAsync(ServerProcess server, CancellationToken cancellationToken)
    {
        using var connection = server.Connect();
        var times = new double[Asked];
        for (var i = 0; i < Asked; i++)
        {
            var begun = Stopwatch.GetTimestamp();
            await connection.Admin.ShowFederationAsync(new FederationName { Name = "long" }, connection.Options(cancellationToken));
            times[i] = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        }

        return times.Order().ElementAt(Asked / 2);
    }

    /// <summary>What the clocks said when a round's training began.</summary>
    private sealed record Mark(long At, TimeSpan Coordinator, TimeSpan Nodes)
    {
        public static Mark Now(ServerProcess server)
        {
            using var own = Process.GetCurrentProcess();
            return new(Stopwatch.GetTimestamp(), server.Cpu(), own.TotalProcessorTime);
        }
    }

    /// <summary>What a round takes: its own time, and processor time of the coordinator and of both nodes, ms.</summary>
    private sealed record Cost(double Wall, double Coordinator, double Nodes)
    {
        public static Cost Of(Mark[] marks, int from, int rounds)
        {
            from = Math.Max(1, from);
            rounds = Math.Min(rounds, marks.Length - 1 - from);
            var (begun, ended) = (marks[from], marks[from + rounds]);
            var walls = Enumerable.Range(from, rounds)
                .Select(round => Stopwatch.GetElapsedTime(marks[round].At, marks[round + 1].At).TotalMilliseconds);
            return new(walls.Order().ElementAt(rounds / 2), (ended.Coordinator - begun.Coordinator).TotalMilliseconds / rounds,
                (ended.Nodes - begun.Nodes).TotalMilliseconds / rounds);
        }
    }
}
