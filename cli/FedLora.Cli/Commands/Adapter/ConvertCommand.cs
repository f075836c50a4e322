using System.CommandLine;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Cli.Output;
using Spectre.Console;

namespace FedLora.Cli.Commands.Adapter;

/// <summary><c>fedlora adapter convert IN OUT</c>: writes an adapter as plain LoRA of one rank.</summary>
internal static class ConvertCommand
{
    public static Command Create()
    {
        var (from, to) = (new Argument<string>("IN") { Description = "An adapter folder." },
            new Argument<string>("OUT") { Description = "The folder to write." });
        var rank = new Option<int?>("--rank")
        {
            Description = "The rank to write; default the largest in use. The best product of that rank is kept, and what is lost is said.",
        };
        return new Command("convert",
            "Write an adapter with another rank, without rank patterns and rsLoRA, doing the same as nearly as that rank can.")
        {
            from,
            to,
            rank,
        }.Writes(typeof(ConvertJson)).Runs((parsed, output, _) =>
        {
            var adapter = PeftFolder.Read(parsed.GetValue(from)!);
            var layout = adapter.Layout();
            var wanted = parsed.GetValue(rank) ?? layout.Modules.Max(layout.RankOf);
            if (wanted < 1)
                throw new UsageException($"--rank {wanted} is below 1.", "A rank is 1 or more.");
            var (state, target, error) = AdapterAlgebra.WithRank(adapter.State, layout, wanted);
            var plain = target with { UseRsLora = false, Alpha = target.Scale * wanted };
            new PeftFolder(adapter.Config.WithPatternsOf(plain), state).Write(parsed.GetValue(to)!);
            output.Result(new ConvertJson(parsed.GetValue(to)!, wanted, plain.Alpha, state.ParameterCount, error, state.Hash),
                console =>
                    console.WriteLine(
                        $"Wrote {parsed.GetValue(to)}: r {wanted}, alpha {plain.Alpha:R}, {state.ParameterCount:N0} parameters; lost "
                            + $"{error:P4} of the product's norm."));
            return Task.CompletedTask;
        });
    }
}

/// <summary>An adapter that was written with another rank.</summary>
/// <param name="Folder">Where.</param>
/// <param name="Rank">Its r.</param>
/// <param name="Alpha">Its lora_alpha.</param>
/// <param name="Parameters">How many it has.</param>
/// <param name="Lost">||what is lost||_F / ||product||_F.</param>
/// <param name="Sha256">Of its tensors.</param>
internal sealed record ConvertJson(string Folder, int Rank, double Alpha, long Parameters, double Lost, string Sha256);
