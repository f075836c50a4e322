using System.CommandLine;
using FedLora.Cli.Commands.Adapter;
using FedLora.Cli.Commands.Admin;
using FedLora.Cli.Commands.Client;
using FedLora.Cli.Commands.Data;
using FedLora.Cli.Commands.Models;
using FedLora.Cli.Commands.Privacy;
using FedLora.Cli.Commands.Server;
using FedLora.Cli.Commands.Simulate;
using FedLora.Cli.Demo;

namespace FedLora.Cli.Commands;

/// <summary>The root: every command of the program, in the order in which <c>--help</c> lists them.</summary>
public static class FedLoraCommand
{
    /// <summary>Understood by every command.</summary>
    public static Option<bool> Json { get; } = new("--json")
    {
        Description = "Write the result as a JSON object on standard output (streams: one a line); everything else goes to standard error.",
        Recursive = true,
    };

    /// <summary>
    /// The command tree, made when it is first asked for. There is one, since options that several commands share are objects of their own:
    /// a second tree would set them anew while the first is read.
    /// </summary>
    public static RootCommand Root => WholeTree.Value;

    private static readonly Lazy<RootCommand> WholeTree = new(() => Examples.AddTo(Tree().ReadsNumbers()));

    private static RootCommand Tree() => new(
        "FedLora: organisations that may not share their data fine-tune a language model together. Each trains LoRA adapters next to its "
            + "own data; a coordinator aggregates them.")
    {
        Json,
        DemoCommand.Create(),
        DemoSiteCommand.Create(),
        ServerCommand.Create(),
        ClientCommand.Create(),
        AdminCommand.Create(),
        DataCommand.Create(),
        EvaluateCommand.Create(),
        GenerateCommand.Create(),
        SimulateCommand.Create(),
        PretrainCommand.Create(),
        AdapterCommand.Create(),
        PrivacyCommand.Create(),
        BenchCommand.Create(),
    };
}
