using System.CommandLine;
using FedLora.Aggregation;
using FedLora.Cli.Output;
using FedLora.Privacy.Ledger;
using Spectre.Console;

namespace FedLora.Cli.Commands.Privacy;

/// <summary><c>fedlora privacy statement</c>: a signed record of what a node's data sets have spent, or a check of one.</summary>
internal static class StatementCommand
{
    public static Command Create()
    {
        var folder = new Argument<DirectoryInfo?>("DIR")
        {
            Description = "The node's ledger folder, e.g. fedlora-node/ledger.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var policyFile = new Option<FileInfo?>("--policy")
        {
            Description = "The site's policy file: the limit that is stated. By default the one in force at the last spending.",
        };
        var outFile = new Option<FileInfo?>("--out") { Description = "Where the statement is written; by default standard output." };
        var check = new Option<FileInfo?>("--check")
        {
            Description = "A statement to check instead: its signature, and which ledger head it knows.",
        };
        return new Command("statement", "Write a signed statement of what a node's data sets have spent, or check one.")
        {
            folder,
            policyFile,
            outFile,
            check,
        }.Writes(typeof(StatementJson), typeof(StatementCheck)).RunsOnNumbers((parsed, output, _) =>
        {
            if (parsed.GetValue(check) is { } statement)
            {
                var found = PrivacyStatement.Check(ReadAll(statement));
                output.Result(found,
                    console =>
                        console.WriteLine(
                            $"The signature fits. Signed by key {found.KeySha256}; the ledger then had {found.Entries} entries, the "
                                + $"newest sealed {found.Seal}."));
                return Task.CompletedTask;
            }
            if (parsed.GetValue(folder) is not { } where)
                throw new UsageException("privacy statement needs a ledger's folder",
                    "Give it, e.g. fedlora-node/ledger, or a statement to check with --check FILE.");
            using var ledger = PrivacyLedger.Read(where.FullName);
            var text = PrivacyStatement.Write(ledger,
                parsed.GetValue(policyFile) is { } file
                    ? SitePolicy.Load(file.FullName, [.. Methods.All.Select(method => method.Name)]).Limit : null,
                TimeProvider.System.GetUtcNow());
            if (parsed.GetValue(outFile) is { } target)
            {
                AtomicFile.Write(target.FullName, text);
                output.Result(new StatementJson(target.FullName), console => console.WriteLine($"The statement is in {target.FullName}."));
            }
            else
            {
                output.Raw(text);
            }
            return Task.CompletedTask;
        });
    }

    private static string ReadAll(FileInfo file)
    {
        try
        {
            return File.ReadAllText(file.FullName);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("statement-invalid", $"{file.FullName} cannot be read: {error.Message}",
                "Give a file that the same command wrote with --out.", error);
        }
    }
}

/// <param name="Statement">The file that holds it.</param>
internal sealed record StatementJson(string Statement);
