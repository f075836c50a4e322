using System.CommandLine;
using System.Runtime.CompilerServices;

namespace FedLora.Cli.Output;

/// <summary>
/// What a command writes under <c>--json</c>. The schema in docs is made of it, and <see cref="CommandOutput"/> writes nothing else.
/// </summary>
/// <param name="Results">The kinds of document, one of which is written.</param>
/// <param name="IsStream">Documents one a line, as things happen, instead of one at the end.</param>
public sealed record JsonForm(IReadOnlyList<Type> Results, bool IsStream)
{
    private static readonly ConditionalWeakTable<Command, JsonForm> Known = [];

    /// <summary>The form of a command; null where none was stated.</summary>
    public static JsonForm? Of(Command command) => Known.TryGetValue(command, out var form) ? form : null;

    internal static void Set(Command command, JsonForm form) => Known.Add(command, form);
}

/// <summary>How a command says what it writes.</summary>
public static class JsonFormExtensions
{
    /// <summary>It writes one document of one of these kinds.</summary>
    public static Command Writes(this Command command, params Type[] results)
    {
        JsonForm.Set(command, new JsonForm(results, IsStream: false));
        return command;
    }

    /// <summary>It writes documents one a line (NDJSON), as things happen.</summary>
    public static Command Streams(this Command command, params Type[] results)
    {
        JsonForm.Set(command, new JsonForm(results, IsStream: true));
        return command;
    }
}
