using System.CommandLine;
using System.CommandLine.Parsing;
using FedLora.Cli.Commands;

namespace FedLora.Cli;

/// <summary>A word of the command line that no command takes, and what may have been meant by it.</summary>
internal static class UnknownWord
{
    private const int MostOffered = 3;

    /// <summary>
    /// The first such word; null where there is none. Also where help is asked for: help for another command is no answer.
    /// </summary>
    internal static string? Of(ParseResult parsed) =>
        !parsed.CommandResult.Command.TreatUnmatchedTokensAsErrors ? null
            : OptionAsArgument(parsed) ?? (parsed.UnmatchedTokens is [var first, ..] ? first : null);

    // The library takes an option that it does not know for an argument where one is awaited. A file of such a name follows "--".
    private static string? OptionAsArgument(ParseResult parsed) =>
        parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash) ? null
            : parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens)
                .Select(token => token.Value).FirstOrDefault(word => word.StartsWith("--", StringComparison.Ordinal));

    /// <summary>Where to look: the commands that are near, or the help of what was understood.</summary>
    internal static string Hint(ParseResult parsed, string word, string help)
    {
        var command = parsed.CommandResult.Command;
        if (word.StartsWith('-'))
        {
            var recursive = Above(command).SelectMany(above => above.Options.Where(option => option.Recursive));
            var names = command.Options.Concat(recursive).Where(option => !option.Hidden).Select(option => option.Name);
            return Nearest.To(word, names) is { } near ? $"Did you mean {near}? See: {help}" : $"See: {help}";
        }

        var offered = Offered(command, word);
        return offered.Count == 0
            ? $"See: {help}"
            : $"Did you mean this? {string.Join(", ", offered.Select(path => $"fedlora {path} --help"))}";
    }

    // Nearest first: below what was understood before anywhere else, the very word before a like one.
    private static List<string> Offered(Command understood, string word)
    {
        var root = Above(understood).Append(understood).First(above => above.Parents.All(parent => parent is not Command));
        foreach (var known in new[] { Below(understood).ToList(), [.. Below(root)] })
        {
            var like = known.Exists(command => command.Name == word) ? word : Nearest.To(word, known.Select(command => command.Name));
            if (like is not null)
                return [.. known.Where(command => command.Name == like).Take(MostOffered)
                    .Select(command => string.Join(' ', command.Path()))];
        }

        return [];
    }

    private static IEnumerable<Command> Above(Command command) =>
        command.Parents.OfType<Command>().SelectMany(parent => Above(parent).Append(parent));

    private static IEnumerable<Command> Below(Command command) =>
        command.Subcommands.Where(below => !below.Hidden).SelectMany(below => Below(below).Prepend(below));
}
