using System.CommandLine;
using System.CommandLine.Parsing;

namespace FedLora.Cli.Commands;

/// <summary>
/// Numeric options read by <see cref="Number"/>, whatever command they are of: the library's own reading takes <c>1,5</c> for 15, and NaN
/// for a number.
/// </summary>
public static class NumberOptions
{
    /// <summary>Sets it for every option of the command and of those below it.</summary>
    public static T ReadsNumbers<T>(this T command)
        where T : Command
    {
        foreach (var option in command.Options)
        {
            Read<double>(option, Number.Parse, "a number such as 0.5, 1e-5 or 1/16");
            Read<int>(option, text => Number.ParseWhole(text) is >= int.MinValue and <= int.MaxValue and var whole ? (int)whole : null,
                "a whole number");
            Read<long>(option, Number.ParseWhole, "a whole number");
            Read<uint>(option, text => Number.ParseCount(text) is <= uint.MaxValue and var count ? (uint)count : null,
                "a whole number of at least 0");
            Read<ulong>(option, Number.ParseCount, "a whole number of at least 0");
        }
        foreach (var below in command.Subcommands)
            below.ReadsNumbers();
        return command;
    }

    private static void Read<T>(Option option, Func<string, T?> parse, string expected)
        where T : struct
    {
        switch (option)
        {
            case Option<T> { CustomParser: null } one:
                one.CustomParser = result => Only(result, parse, option.Name, expected).GetValueOrDefault();
                break;
            case Option<T?> { CustomParser: null } maybe:
                maybe.CustomParser = result => Only(result, parse, option.Name, expected);
                break;
            case Option<T[]> { CustomParser: null } many:
                many.CustomParser = result =>
                    [.. result.Tokens.Select(token => Value(result, token.Value, parse, option.Name, expected).GetValueOrDefault())];
                break;
        }
    }

    private static T? Only<T>(ArgumentResult result, Func<string, T?> parse, string option, string expected)
        where T : struct => result.Tokens is [var token] ? Value(result, token.Value, parse, option, expected) : null;

    private static T? Value<T>(ArgumentResult result, string text, Func<string, T?> parse, string option, string expected)
        where T : struct
    {
        var value = parse(text);
        if (value is null)
            result.AddError($"{option}: expected {expected}, found '{text}'");
        return value;
    }
}
