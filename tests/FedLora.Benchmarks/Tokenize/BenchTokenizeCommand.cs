using System.CommandLine;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;
using Spectre.Console;

namespace FedLora.Benchmarks.Tokenize;

/// <summary>
/// <c>fedlora bench tokenize</c>: characters a second of our tokenizer beside Hugging Face's own library (Tokenizers.DotNet), each on this
/// one thread, on the Universal Declaration of Human Rights in 500 languages and on this repository's sources; every id is compared in the
/// same run.
/// </summary>
internal static class BenchTokenizeCommand
{
    public static Command Create()
    {
        var only = new Option<string?>("--case") { Description = $"Only this one: {string.Join(", ", TokenizeCase.Names)}." };
        var passes = new Option<int>("--passes") { Description = "Counted passes of each side.", DefaultValueFactory = _ => 5 };
        passes.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && Number.ParseWhole(token.Value) is < 1)
                result.AddError("--passes is at least 1.");
        });
        return new Command("tokenize", "Speed of the tokenizers beside Hugging Face's own library, ids compared.") { only, passes }
            .Writes(typeof(BenchTokenizeJson)).Runs((parsed, output, cancellationToken) =>
            {
                var texts = TokenizeTexts.Read();
                output.Remark($"{texts.Count} texts, {texts.Sum(text => (long)text.Length) / 1e6:0.0} M characters");
                var rows = new List<TokenizeRow>();
                foreach (var name in TokenizeCase.Names.Where(name => parsed.GetValue(only) is not { } wanted || wanted == name))
                {
                    output.Remark($"{name} ...");
                    rows.Add(TokenizeCase.Run(name, texts, parsed.GetValue(passes), cancellationToken));
                }
                if (rows.Count == 0)
                    throw new FedLoraException("bench-nothing", "There was nothing to measure.",
                        $"Cases: {string.Join(", ", TokenizeCase.Names)}.");
                Write(output, rows);
                if (rows.Find(row => row.TextsThatDiffer > 0) is { } wrong)
                    throw new FedLoraException("bench-ids-differ",
                        $"{wrong.Name}: in {wrong.TextsThatDiffer} of {texts.Count} texts the ids are not those of the peer; the first is "
                            + $"{wrong.FirstThatDiffers}.", "This is a defect of FedLora; report it with the output.");
                return Task.CompletedTask;
            });
    }

    private static void Write(CommandOutput output, List<TokenizeRow> rows) => output.Result(new BenchTokenizeJson(rows), console =>
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("tokenizer");
        foreach (var title in (string[])["characters/s", "peer's", "ratio (>1 better)", "ids compared", "texts that differ"])
            table.AddColumn(new TableColumn(title).RightAligned());
        foreach (var row in rows)
            table.AddRow(row.Name, $"{row.CharactersPerSecond:#,0}", $"{row.PeerCharactersPerSecond:#,0}", $"{row.Ratio:0.00}x",
                $"{row.Ids:#,0}", $"{row.TextsThatDiffer}");
        console.Write(table);
    });
}

/// <param name="Rows">One for each tokenizer.</param>
internal sealed record BenchTokenizeJson(IReadOnlyList<TokenizeRow> Rows);
