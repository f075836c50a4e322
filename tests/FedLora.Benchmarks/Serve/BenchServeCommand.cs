using System.CommandLine;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;

namespace FedLora.Benchmarks.Serve;

/// <summary>
/// <c>fedlora bench serve</c>: what a coordinator takes for what is asked of it, in a process of its own; with <c>--beside</c> another
/// build's takes the same in the same run, and is the peer. A new measurement is a class beside <see cref="CrowdCase"/> and a line here.
/// </summary>
internal static class BenchServeCommand
{
    private static readonly IReadOnlyList<IServeCase> Cases =
    [
        new CrowdCase(), new CalibrationCase(), new RoundsCase(),
        new UpdatesCase("updates-3MB", modules: 24, width: 2048, rank: 8, passes: 1),
        new UpdatesCase("updates-100kB", modules: 2, width: 1536, rank: 4, passes: 5), new FewNodesCase(),
    ];

    public static Command Create()
    {
        var names = string.Join(", ", Cases.Select(one => one.Name));
        var only = new Option<string?>("--case") { Description = $"Only this: {names}.", HelpName = "NAME" };
        var nodes = new Option<int>("--nodes") { Description = "How many nodes there are.", DefaultValueFactory = _ => 1000 };
        var rounds = new Option<int>("--rounds") { Description = "Of the long federation.", DefaultValueFactory = _ => 10_000 };
        var polling = new Option<int>("--polling") { Description = "Nodes beside those that send updates, each connected and polling." };
        var beside = new Option<string?>("--beside")
        {
            Description = "Another build's fedlora.dll: its server takes the same, and is the peer.",
            HelpName = "FILE",
        };
        var postgres = new Option<string?>("--postgres")
        {
            Description = "Connection string of an empty PostgreSQL database that takes the coordinator's state; give one --case.",
            HelpName = "CONN",
        };
        return new Command("serve", "What a coordinator takes in time and memory, with many nodes, federations and rounds.")
        {
            only, nodes, polling, rounds, beside, postgres,
        }.Writes(typeof(BenchJson)).Runs(async (parsed, output, cancellationToken) =>
            {
                var size = new ServeSize(Math.Max(1, parsed.GetValue(nodes)), Math.Max(200, parsed.GetValue(rounds)),
                    Math.Max(0, parsed.GetValue(polling)));
                var rows = new List<BenchRow>();
                foreach (var one in Cases.Where(one => parsed.GetValue(only) is not { } wanted || wanted == one.Name))
                    rows.AddRange(await RaceAsync(one, size, parsed.GetValue(beside), parsed.GetValue(postgres), output.Remark,
                        cancellationToken));
                if (rows.Count == 0)
                    throw new FedLoraException("bench-nothing", "There was nothing to measure.", $"Cases: {names}.");
                BenchReport.Write(output, rows);
            });
    }

    private static async Task<IEnumerable<BenchRow>> RaceAsync(IServeCase one, ServeSize size, string? beside, string? postgres,
        Action<string> remark, CancellationToken cancellationToken)
    {
        var ours = await MeasureAsync("ours", ServerProcess.Ours, one, size, postgres, remark, cancellationToken);
        if (beside is null)
            return ours.Select(figure => new BenchRow(figure.Name, figure.Value, figure.Unit));
        var theirs = (await MeasureAsync("theirs", beside, one, size, null, remark, cancellationToken))
            .ToDictionary(figure => figure.Name, StringComparer.Ordinal);
        return ours.Select(figure => theirs.GetValueOrDefault(figure.Name) is { } peer
            ? new BenchRow(figure.Name, figure.Value, figure.Unit, $"the other build, {peer.Value:0.###} {peer.Unit}",
                figure.BetterThan(peer))
            : new BenchRow(figure.Name, figure.Value, figure.Unit));
    }

    private static async Task<IReadOnlyList<ServeFigure>> MeasureAsync(string whose, string program, IServeCase one, ServeSize size,
        string? postgres, Action<string> remark, CancellationToken cancellationToken)
    {
        await using var server = await ServerProcess.StartAsync(program, one.Tls, postgres, cancellationToken);
        return await one.MeasureAsync(server, size, what => remark($"{one.Name}, {whose}: {what}"), cancellationToken);
    }
}
