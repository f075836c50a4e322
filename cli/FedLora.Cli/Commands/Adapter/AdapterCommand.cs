using System.CommandLine;

namespace FedLora.Cli.Commands.Adapter;

/// <summary><c>fedlora adapter</c>: looks at adapter folders and turns them into others.</summary>
internal static class AdapterCommand
{
    public static Command Create() => new("adapter", "Look at adapter folders, compare them, convert them, and count what methods send.")
    {
        InspectCommand.Create(),
        SizeCommand.Create(),
        ConvertCommand.Create(),
        DiffCommand.Create(),
    };
}
