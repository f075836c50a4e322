using System.CommandLine;
using FedLora.Adapters;
using FedLora.Cli.Commands.Models;
using FedLora.Cli.Output;
using FedLora.Training.Merging;
using Spectre.Console;

namespace FedLora.Cli.Commands.Adapter;

/// <summary><c>fedlora adapter merge DIR --model DIR --out DIR</c>: a model that needs no adapter, for programs that know none.</summary>
internal static class MergeCommand
{
    public static Command Create()
    {
        var adapter = new Argument<string>("DIR") { Description = "An adapter folder." };
        var model = new Option<string>("--model") { Description = "Folder of the base model that it was trained on.", Required = true };
        var to = new Option<string>("--out") { Description = "The folder to write; it must not hold anything yet.", Required = true };
        var most = new Option<string?>("--max-shard-size")
        {
            Description = "Most weights in one file, e.g. 5GB or 500MiB. Default: files as the base model has them.",
        };
        return new Command("merge",
            "Write the base model with the adapter in its weights, as a folder that transformers loads without PEFT.")
        {
            adapter,
            model,
            to,
            most,
        }.Writes(typeof(MergeJson)).Runs((parsed, output, cancellationToken) => Task.Run(
            () =>
            {
                var (folder, from) = (parsed.GetValue(model)!, parsed.GetValue(adapter)!);
                var merged = AdapterMerge.Run(folder, from, parsed.GetValue(to)!, Size(parsed.GetValue(most)), cancellationToken);
                ModelOptions.SayOtherBase(AdapterUse.Read(from), folder, output);
                if (merged.Untied)
                    output.Remark("The head was the word embedding too, and is a tensor of its own now.");
                var result = new MergeJson(Path.GetFullPath(parsed.GetValue(to)!), merged.Modules, merged.Replaced, merged.Untied,
                    merged.Files, merged.Bytes);
                output.Result(result, console => console.WriteLine(
                    $"Wrote {parsed.GetValue(to)}: {merged.Modules} layers with the adapter in them, {merged.Replaced.Count} tensors "
                        + $"of its own, {Output.Units.Bytes(merged.Bytes)} in "
                        + (merged.Files.Count == 1 ? "one file." : $"{merged.Files.Count} files.")));
            },
            cancellationToken));
    }

    private static long? Size(string? text) => text is null ? null
        : ByteSize.Parse(text)
            ?? throw new UsageException($"--max-shard-size: expected a size, found '{text}'", "e.g. 5GB, 500MB or 2GiB");
}

/// <summary>A base model that an adapter was merged into.</summary>
/// <param name="Folder">Where.</param>
/// <param name="Modules">How many layers have the adapter's product in them.</param>
/// <param name="Replaced">Tensors that are the adapter's own.</param>
/// <param name="Untied">Whether the head was the word embedding too, and is a tensor of its own now.</param>
/// <param name="Files">The files of weights.</param>
/// <param name="Bytes">Of all weights.</param>
internal sealed record MergeJson(string Folder, int Modules, IReadOnlyList<string> Replaced, bool Untied, IReadOnlyList<string> Files,
    long Bytes);
