using System.CommandLine;

namespace FedLora.Cli.Commands.Data;

/// <summary><c>fedlora data</c>: what a file of examples holds.</summary>
internal static class DataCommand
{
    public static Command Create() =>
        new("data", "Look at files of examples before anything is trained on them.") { CheckCommand.Create() };
}
