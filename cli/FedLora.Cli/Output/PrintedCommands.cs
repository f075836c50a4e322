using System.CommandLine;
using System.Text.RegularExpressions;
using FedLora.Cli.Commands.Admin;

namespace FedLora.Cli.Output;

/// <summary>
/// Makes the commands that messages name work as they are printed: with the program as it was started here (<c>./fedlora</c>), and for
/// operators with the coordinator that they named themselves.
/// </summary>
public sealed partial class PrintedCommands
{
    // Set by the launcher: how it was called.
    private const string ProgramVariable = "FEDLORA_COMMAND";

    private readonly string _program;
    private readonly string _admin;

    private PrintedCommands(string program, string admin) => (this._program, this._admin) = (program, admin);

    /// <summary>Before the words are parsed.</summary>
    public static PrintedCommands Plain { get; } = new(Program(), $"{Program()} admin");

    /// <summary>For a command line that was parsed.</summary>
    public static PrintedCommands Of(ParseResult parsed) => new(Program(), string.Concat([$"{Program()} admin", .. Operator.Options
        .Where(option => parsed.GetResult(option) is { Tokens: [_, ..] })
        .Select(option => $" {option.Name} {Quoted(parsed.GetResult(option)!.Tokens[0].Value)}")]));

    /// <summary>The text with its commands completed.</summary>
    public string Complete(string text) => Commands().Replace(text, match => match.Groups["admin"].Success ? _admin : _program);

    /// <summary>A word as a shell reads it.</summary>
    internal static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:=@%+,".Contains(c, StringComparison.Ordinal))
            ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string Program() =>
        Environment.GetEnvironmentVariable(ProgramVariable) is { Length: > 0 } named ? Quoted(named) : "fedlora";

    [GeneratedRegex(@"(?<![\w./-])fedlora(?<admin> admin)?(?= [a-z-])(?! --data| --coordinator)",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Commands();
}
