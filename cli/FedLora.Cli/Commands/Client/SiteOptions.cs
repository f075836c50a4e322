using System.CommandLine;
using FedLora.Client.Hosting;

namespace FedLora.Cli.Commands.Client;

/// <summary>How commands that read a node's folder are told which: by itself, or by the node's YAML file.</summary>
internal sealed class SiteOptions
{
    private readonly Option<string?> _config = new("--config") { Description = "The node's YAML file, which names its state folder." };
    private readonly Option<string?> _state = new("--state")
    {
        Description = "The node's own folder; by default the one that the file says.",
    };

    /// <summary>Gives a command both options.</summary>
    public Command AddTo(Command command)
    {
        command.Options.Add(_config);
        command.Options.Add(_state);
        return command;
    }

    /// <summary>The node's folder, as its client would choose it, and what its file says.</summary>
    /// <exception cref="UsageException">Neither option says which folder.</exception>
    /// <exception cref="FedLoraException">As <see cref="ClientConfigFile.Load"/>.</exception>
    public (string Folder, ClientConfigFile File) Read(ParseResult parsed)
    {
        var file = parsed.GetValue(_config) is { } path ? ClientConfigFile.Load(path) : new ClientConfigFile();
        return (parsed.GetValue(_state) ?? file.State ?? Beside(file.Data)
            ?? throw new UsageException("no state folder is named", "Give --state DIR, or --config FILE of the node."), file);
    }

    private static string? Beside(string? data) =>
        data is null ? null : Path.Combine(Path.GetDirectoryName(Path.GetFullPath(data))!, "fedlora-node");
}
