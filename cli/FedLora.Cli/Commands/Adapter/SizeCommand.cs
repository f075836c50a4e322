using System.CommandLine;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Cli.Output;
using FedLora.Training.Models;
using Spectre.Console;

namespace FedLora.Cli.Commands.Adapter;

/// <summary>
/// <c>fedlora adapter size</c>: how much each method sends per node and round, for models of any size, without their weights.
/// </summary>
internal static class SizeCommand
{
    private const int DefaultRank = 32;

    /// <summary>One method on one model, in parameters per node and round (4 bytes each in float32).</summary>
    /// <param name="Published">As the methods' papers count: FFA-LoRA as half of FedIT, FLoRA and FedEx-LoRA as K times FedIT, FedSVD split
    /// at the nodes. Null where they print none.</param>
    /// <param name="FedExOver">FedEx-LoRA's published count over this one's.</param>
    internal sealed record Row(string Method, int Rank, long Up, long Down, long UpBytes, long DownBytes, long? Published,
        double? FedExOver);

    /// <summary>Models and what each method sends for them.</summary>
    internal sealed record SizeJson(IReadOnlyList<ModelRows> Models);

    internal sealed record ModelRows(string Model, int Modules, long Head, int Nodes, IReadOnlyList<Row> Methods);

    public static Command Create()
    {
        var model = new Option<string[]>("--model")
        {
            Description =
                $"A model folder with a config.json, or one of: {string.Join(", ", KnownModel.All.Select(m => m.Name))}. Default: all of "
                    + $"these.",
        };
        var rank = new Option<int>("--rank") { Description = "r of all methods but fed-sb.", DefaultValueFactory = _ => DefaultRank };
        var small = new Option<int[]>("--fed-sb-rank") { Description = "r of fed-sb; may be given several times." };
        var nodes = new Option<int?>("--nodes") { Description = "K, the nodes in a round." };
        var targets = new Option<string[]>("--target")
        {
            Description = "Last parts of module names, or all-linear; may be given several times.",
        };
        return new Command("size", "Count the parameters that each method sends per node and round.") { model, rank, small, nodes, targets }
            .Writes(typeof(SizeJson)).Runs((parsed, output, _) =>
            {
                var names = parsed.GetValue(model) is { Length: > 0 } given ? given : [.. KnownModel.All.Select(m => m.Name)];
                var results = names.Select(name =>
                {
                    var known = KnownModel.All.FirstOrDefault(m => m.Name == name) ?? new KnownModel(name, null, 10, [200]);
                    var shape = KnownModel.All.Contains(known) ? known.Shape() : ModelFamily.ReadFolder(name);
                    var modules = parsed.GetValue(targets) is { Length: > 0 } chosen ? chosen : known.Targets;
                    var ranks = parsed.GetValue(small) is { Length: > 0 } some ? some : known.SmallRanks;
                    return Count(name, shape, modules, parsed.GetValue(nodes) ?? known.Nodes, parsed.GetValue(rank), ranks);
                }).ToArray();
                output.Result(new SizeJson(results), console => Array.ForEach(results, result => Show(console, result)));
                return Task.CompletedTask;
            });
    }

    /// <summary>The rows of one model.</summary>
    internal static ModelRows Count(string name, Architecture shape, string[]? targets, int nodes, int rank, int[] smallRanks)
    {
        if (nodes < 1 || rank < 1 || smallRanks.Any(r => r < 1))
            throw new UsageException("Ranks and the number of nodes are 1 or more.", "See fedlora adapter size --help.");
        var layout = ModelLayout.For(shape, ModelLayout.Settings(shape, rank, rank, targets: targets));
        var fedex = Published("fedex-lora", layout, nodes)!.Value;
        var rows = Methods.All.SelectMany(method => (method.Name == "fed-sb" ? smallRanks : [rank]).Select(r =>
        {
            var ranked = layout with { Rank = r };
            var traffic = Traffic.Of(method, ranked, MethodOptions.Default, nodes);
            var published = Published(method.Name, ranked, nodes);
            return new Row(method.Name, r, traffic.Up, traffic.Down, 4 * traffic.Up, 4 * traffic.Down, published,
                published is null ? null : (double)fedex / published);
        }));
        return new ModelRows(name, layout.Modules.Length, layout.ParameterCount(Factors.Head), nodes, [.. rows]);
    }

    private static long? Published(string method, AdapterLayout layout, int nodes)
    {
        var (pair, head) = (layout.ParameterCount(Factors.A | Factors.B), layout.ParameterCount(Factors.Head));
        return method switch
        {
            "fedit" => pair + head,
            "ffa-lora" => (pair / 2) + head,
            "fedsvd" => layout.ParameterCount(Factors.B) + head,
            "fed-sb" => layout.ParameterCount(Factors.R) + head,
            "flora" or "fedex-lora" => nodes * (pair + head),
            _ => null,
        };
    }

    private static void Show(IAnsiConsole console, ModelRows rows)
    {
        console.WriteLine(
            $"{rows.Model}: {rows.Modules} modules, head {rows.Head:N0}, {rows.Nodes} nodes; parameters in millions, bytes in float32, "
                + $"per node and round");
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("method", "rank", "up", "down", "up MB", "down MB", "as published", "FedEx / this");
        foreach (var row in rows.Methods)
        {
            table.AddRow(row.Method, $"{row.Rank}", $"{row.Up / 1e6:0.####}", $"{row.Down / 1e6:0.####}", $"{row.UpBytes / 1e6:0.##}",
                $"{row.DownBytes / 1e6:0.##}",
                row.Published is { } p ? $"{p / 1e6:0.####}" : "", row.FedExOver is { } ratio ? $"{ratio:0.0}x" : "");
        }
        console.Write(table);
    }
}
