using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Training.Data;
using Spectre.Console;

namespace FedLora.Cli.Commands.Data;

/// <summary><c>fedlora data check FILE</c>: what would be read of it. Everything stays on this machine.</summary>
internal static class CheckCommand
{
    private const int DefaultLength = 512;

    /// <summary>Lengths in tokens of the examples as they would be trained, cut to the longest.</summary>
    internal sealed record Lengths(int Longest, long Total, int Least, int Median, int P95, int Most, int Cut, long CutTokens);

    /// <summary>What was found, as <c>--json</c> shows it.</summary>
    internal sealed record DataCheckJson(int Lines, int Usable, int Conversations, int Completions, int Texts, int Images,
        IReadOnlyDictionary<string, int> Labels,
        int Unlabelled, int OddLabels, int? Units, int Duplicates, int BadLines, IReadOnlyList<string> Reasons, Lengths? Tokens);

    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = DataHelp.File };
        var model = new Option<string?>("--model")
        {
            Description =
            "Folder of the base model: its tokenizer and chat template give lengths in tokens, its image processor looks at images."
        };
        var length = new Option<int>("--max-length")
        {
            Description = "Longest example in tokens, as the federation's max_tokens.",
            DefaultValueFactory = _ => DefaultLength
        };
        var unit = new Option<string?>("--unit") { Description = "Field whose value makes lines one unit of privacy, e.g. person." };
        return new Command("check",
            "Say what is read of a data file: kinds of examples, labels, duplicates, bad lines, lengths. Nothing leaves this machine.")
            {
                file,
                model,
                length,
                unit,
            }
            .Writes(typeof(DataCheckJson)).Runs((parsed, output, cancellationToken) =>
                Task.Run(() => Run(parsed.GetValue(file)!, parsed.GetValue(model), parsed.GetValue(length), parsed.GetValue(unit), output,
                    cancellationToken), cancellationToken));
    }

    private static void Run(string path, string? model, int length, string? unit, CommandOutput output, CancellationToken cancellationToken)
    {
        var settings = new DataSettings(TextTask.CausalLanguageModelling, length, [], BadLines.Skip, unit);
        var read = DataFile.Read(path, settings, cancellationToken);
        var set = model is null ? null : DataSet.Of(read, settings, ModelInput.Load(model), cancellationToken);
        var skipped = set?.Skipped ?? read.Skipped;
        var records = read.Records;
        var result = new DataCheckJson(
            records.Count + read.Skipped.Count,
            set?.Examples.Count ?? records.Count,
            records.Count(record => record.Conversation is not null),
            records.Count(record => record.Prompt is not null),
            records.Count(record => record.Conversation is null && record.Prompt is null && record.Image is null),
            records.Count(record => record.Image is not null),
            records.Where(record => record.Label is not null).CountBy(record => record.Label!)
                .OrderBy(label => label.Key, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal),
            records.Count(record => record.Label is null && !record.IsLabelOdd),
            records.Count(record => record.IsLabelOdd),
            unit is null ? null : records.Select(record => record.Unit).Distinct(StringComparer.Ordinal).Count(),
            records.Count - records.Select(Content).Distinct(StringComparer.Ordinal).Count(),
            skipped.Count,
            skipped.Reasons,
            set is null || set.Tokens == 0 ? null : LengthsOf(set, length));
        output.Result(result, console =>
        {
            var table = new Table().AddColumn("of the data").AddColumn(new TableColumn("count").RightAligned());
            table.AddRow("lines", $"{result.Lines}").AddRow("usable", $"{result.Usable}")
                .AddRow("conversations", $"{result.Conversations}").AddRow("prompts with completions", $"{result.Completions}");
            table.AddRow("texts", $"{result.Texts}").AddRow("images", $"{result.Images}")
                .AddRow("bad lines", $"{result.BadLines}").AddRow("duplicates", $"{result.Duplicates}");
            if (result.Units is { } units)
                table.AddRow("units of privacy", $"{units}");
            foreach (var (label, count) in result.Labels)
                table.AddRow(Markup.Escape($"label {label}"), $"{count}");
            table.AddRow("without label", $"{result.Unlabelled}");
            if (result.OddLabels > 0)
                table.AddRow("label neither text nor number", $"{result.OddLabels}");
            if (result.Tokens is { } tokens)
            {
                table.AddRow("tokens", $"{tokens.Total}").AddRow("tokens of an example: least", $"{tokens.Least}")
                    .AddRow("median", $"{tokens.Median}").AddRow("19 of 20 have at most", $"{tokens.P95}").AddRow("most", $"{tokens.Most}");
                table.AddRow($"cut to {tokens.Longest} tokens", $"{tokens.Cut}").AddRow("tokens cut off", $"{tokens.CutTokens}");
            }
            console.Write(table);
            if (records.FirstOrDefault(record => record.IsLabelOdd) is { } odd)
                console.WriteLine($"{odd.Place} has a \"label\" that is neither a text nor a number: it cannot be a classifier's example.");
            foreach (var reason in result.Reasons)
                console.WriteLine(reason);
            if (result.BadLines > result.Reasons.Count)
                console.WriteLine($"... and {result.BadLines - result.Reasons.Count} more");
        });
    }

    private static Lengths LengthsOf(DataSet set, int longest)
    {
        int[] lengths = [.. set.Examples.Select(example => example.Tokens.Length).Order()];
        return new Lengths(longest, set.Tokens, lengths[0], lengths[lengths.Length / 2],
            lengths[Math.Min(lengths.Length - 1, lengths.Length * 95 / 100)], lengths[^1], set.Truncated, set.TruncatedTokens);
    }

    private static string Content(TextRecord record) => record.Conversation is { } conversation
        ? string.Join('\u0001', conversation.Messages.Select(message => $"{message["role"]}\u0002{message.GetValueOrDefault("content")}"))
        : record.Image is { } image ? Convert.ToBase64String(image) : $"{record.Prompt}\u0003{record.Text}";
}
