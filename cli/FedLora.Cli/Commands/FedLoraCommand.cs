using System.CommandLine;
using FedLora.Cli.Bench;
using FedLora.Cli.Commands.Privacy;

namespace FedLora.Cli.Commands;

/// <summary>The root: every command of the program, in the order in which <c>--help</c> lists them.</summary>
public static class FedLoraCommand
{
    /// <summary>Understood by every command.</summary>
    public static Option<bool> Json { get; } = new("--json")
    {
        Description = "Write the result as one JSON object on standard output; everything else goes to standard error.",
        Recursive = true,
    };

    /// <summary>Makes the command tree.</summary>
    public static RootCommand Create() => new(
        "FedLora: organisations that may not share their data fine-tune a language model together. Each trains LoRA adapters next to its own data; a coordinator aggregates them.")
    {
        Json,
        PrivacyCommand.Create(),
        BenchCommand.Create(),
    };
}
