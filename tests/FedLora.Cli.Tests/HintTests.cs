using System.Text.RegularExpressions;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;
using FedLora.Cli.Tests.Layout;

namespace FedLora.Cli.Tests;

/// <summary>Commands that messages name: they are of this program, and complete.</summary>
public sealed partial class HintTests
{
    /// <summary>
    /// Every command in a text of the program's sources parses, with whatever is put in for its holes: no option that it needs is left out.
    /// </summary>
    [Fact]
    public void Every_command_that_a_message_names_can_be_run()
    {
        var hints = SourceFiles.Product.Where(path => !path.EndsWith("Examples.cs", StringComparison.Ordinal))
            .SelectMany(
                path => SourceFiles.Read(path).Split('\n').Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal))
                    .SelectMany(
                        line => Commands().Matches(Hole().Replace(line, "x"))
                            .Select(match => (path, Text: match.Groups["command"].Value.TrimEnd(' ', '.', ';', ','))))).ToList();
        Assert.True(hints.Count >= 6, "the pattern no longer finds them");
        Assert.All(hints, hint =>
        {
            var parsed = FedLoraCommand.Root.Parse(hint.Text.Split(' ')[1..]);
            Assert.True(parsed.Errors.Count == 0,
                $"{hint.path}: '{hint.Text}': {string.Join("; ", parsed.Errors.Select(error => error.Message))}");
            Assert.True(
                parsed.CommandResult.Command.Subcommands.Count == 0 || JsonForm.Of(parsed.CommandResult.Command) is not null
                    || hint.Text.EndsWith("--help", StringComparison.Ordinal), $"{hint.path}: '{hint.Text}' does nothing");
        });
    }

    [Theory]
    [InlineData("admin --data ./coordinator federation show mail", "See: fedlora admin federation list",
        "See: fedlora admin --data ./coordinator federation list")]
    [InlineData("admin --data /srv/our~coordinator federation show mail", "fedlora admin node list.",
        "fedlora admin --data '/srv/our coordinator' node list.")]
    [InlineData("admin federation show mail --coordinator http://127.0.0.1:5080", "fedlora admin federation start mail",
        "fedlora admin --coordinator http://127.0.0.1:5080 federation start mail")]
    [InlineData("evaluate --model m --data d", "fedlora evaluate --help; not fedlora-node/ledger, nor a fedlora of others",
        "fedlora evaluate --help; not fedlora-node/ledger, nor a fedlora of others")]
    public void A_command_in_a_message_names_the_coordinator_that_was_named(string line, string text, string completed)
    {
        var parsed = FedLoraCommand.Root.Parse([.. line.Split(' ').Select(word => word.Replace('~', ' '))]);
        Assert.Equal(completed, PrintedCommands.Of(parsed).Complete(text));
    }

    [Theory]
    [InlineData("export --help", "fedlora admin export --help")]
    [InlineData("export mail --out x", "fedlora admin export --help")]
    [InlineData("federation list", "fedlora admin federation --help")]
    [InlineData("admin list", "fedlora admin ")]
    [InlineData("admin federation shwo mail", "fedlora admin federation show --help")]
    [InlineData("simulat --help", "fedlora")]
    [InlineData("evalute --help", "fedlora evaluate --help")]
    [InlineData("privacy noize", "fedlora privacy noise --help")]
    [InlineData("demo --node 3", "Did you mean --nodes?")]
    [InlineData("simulate --presets", "unknown command or option '--presets'")]
    [InlineData("privacy ledger --jsn", "Did you mean --json?")]
    [InlineData("adapter inspect --dir ./adapter", "unknown command or option '--dir'")]
    [InlineData("demo-sit", "fedlora")]
    [InlineData("xyzzy --help", "See: fedlora --help")]
    public async Task A_command_that_there_is_not_is_wrong_usage_and_the_near_one_is_offered(string line, string offered)
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        Assert.Equal(ExitCode.Usage, await CommandLine.RunAsync(line.Split(' '), output, errors, TestContext.Current.CancellationToken));
        Assert.Empty(output.ToString());
        Assert.Single(errors.ToString().TrimEnd().Split('\n'));
        Assert.Contains(offered, errors.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("demo-site", errors.ToString(), StringComparison.Ordinal);
    }

    [GeneratedRegex(
        @"(?<![\w./-])(?<command>fedlora (?:demo|server|client|admin|evaluate|generate|pretrain|adapter|privacy|simulate)\b[^""';()\\]*)",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Commands();

    // What is put in at run time.
    [GeneratedRegex(@"\{[^{}]*\}")]
    private static partial Regex Hole();
}
