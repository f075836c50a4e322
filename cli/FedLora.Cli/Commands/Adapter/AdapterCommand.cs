using System.CommandLine;

namespace FedLora.Cli.Commands.Adapter;

/// <summary><c>fedlora adapter</c>: looks at adapter folders and turns them into others.</summary>
internal static class AdapterCommand
{
    public static Command Create() => new("adapter", "Look at adapter folders, compare, convert, merge them; count what methods send.")
    {
        InspectCommand.Create(),
        SizeCommand.Create(),
        ConvertCommand.Create(),
        MergeCommand.Create(),
        DiffCommand.Create(),
    };
}
