using System.CommandLine;
using FedLora.Benchmarks;
using FedLora.Cli.Commands;

namespace FedLora.Cli.Tests;

/// <summary>
/// Every numeric option of every command reads numbers by the one parser: what is no number is refused, whatever a culture or a library
/// would make of it.
/// </summary>
public sealed class NumberOptionTests
{
    private static readonly Type[] Whole = [typeof(int), typeof(long), typeof(uint), typeof(ulong)];

    public static TheoryData<string, string> Options
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (path, option) in All(FedLoraCommand.Root, "").Concat(All(BenchCommand.Root, "")))
                data.Add(path, option.Name);
            return data;
        }
    }

    [Fact]
    public void There_are_such_options() => Assert.True(Options.Count > 50, $"{Options.Count}");

    [Theory]
    [MemberData(nameof(Options))]
    public void What_is_no_number_is_refused_and_what_is_one_is_taken(string path, string name)
    {
        var whole = Whole.Contains(
            Kind(All(Program(path), "").First(found => found.Path == path && found.Option.Name == name).Option));
        foreach (var text in new[]
        {
            "1,5",
            "1,000",
            "1.5.2",
            "NaN",
            "Infinity",
            "0x10",
            "1_000",
            "one",
            "1e400",
            "1e999",
        }.Concat(whole ? ["1.5", "1e2", "1/2", "99999999999999999999"] : []))
            Assert.Contains(Errors(path, name, text),
                error => error.Contains($"'{text}'", StringComparison.Ordinal) && error.Contains(name, StringComparison.Ordinal));
        foreach (var text in whole ? ["1", "12"] : new[] { "1", "0.5", "1e-5", "1/16" })
            Assert.DoesNotContain(Errors(path, name, text),
                error => error.Contains($"'{text}'", StringComparison.Ordinal) && error.Contains("expected", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_program_says_which_option_and_what_it_expects()
    {
        using var error = new StringWriter();
        var code = await CommandLine.RunAsync(
            ["privacy", "epsilon", "--noise-multiplier", "1,5", "--sampling-rate", "0.1", "--steps", "10", "--delta", "1e-5"],
            TextWriter.Null, error, default);
        Assert.Equal(2, code);
        Assert.Contains("--noise-multiplier: expected a number such as 0.5, 1e-5 or 1/16, found '1,5'", error.ToString(),
            StringComparison.Ordinal);
    }

    private static Command Program(string path) =>
        path.StartsWith("bench", StringComparison.Ordinal) ? BenchCommand.Root : FedLoraCommand.Root;

    private static IReadOnlyList<string> Errors(string path, string option, string text) =>
        [.. Program(path).Parse([.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), option, text]).Errors
            .Select(error => error.Message)];

    private static IEnumerable<(string Path, Option Option)> All(Command command, string path)
    {
        foreach (var option in command.Options.Where(option => Kind(option) == typeof(double) || Whole.Contains(Kind(option))))
            yield return (path, option);
        foreach (var below in command.Subcommands.SelectMany(below => All(below, $"{path} {below.Name}".Trim())))
            yield return below;
    }

    private static Type Kind(Option option)
    {
        var type = option.ValueType.IsArray ? option.ValueType.GetElementType()! : option.ValueType;
        return Nullable.GetUnderlyingType(type) ?? type;
    }
}
