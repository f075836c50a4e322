using System.Text.RegularExpressions;

namespace FedLora.Cli.Tests.Layout;

/// <summary>
/// What the program says in its log has one form: X.Log.cs beside X.cs, each message with an event id of its own; its name is its method's.
/// </summary>
public sealed partial class LogTests
{
    private static readonly (string Path, string Text)[] Logging = [.. SourceFiles.Product
        .Select(path => (path, SourceFiles.Read(path))).Where(file => file.Item2.Contains("[LoggerMessage", StringComparison.Ordinal))];

    [Fact]
    public void Messages_lie_beside_what_says_them() =>
        Assert.DoesNotContain(Logging,
            file => !file.Path.EndsWith(".Log.cs", StringComparison.Ordinal)
                || !SourceFiles.All.Contains(file.Path.Replace(".Log.cs", ".cs", StringComparison.Ordinal)));

    [Fact]
    public void Every_message_has_an_event_id_of_its_own()
    {
        var messages = Logging.SelectMany(file => Message().Matches(file.Text).Select(match => (file.Path, Id: match.Groups["id"].Value)))
            .ToList();
        Assert.NotEmpty(messages);
        Assert.DoesNotContain(messages, message => message.Id.Length == 0);
        Assert.Empty(
            messages.GroupBy(message => message.Id).Where(same => same.Count() > 1)
                .Select(same => $"{same.Key}: {string.Join(", ", same.Select(message => message.Path))}"));
    }

    [Fact]
    public void Nothing_is_logged_otherwise() =>
        Assert.DoesNotContain(SourceFiles.Product, path => Direct().IsMatch(SourceFiles.Read(path)));

    [GeneratedRegex(@"\[LoggerMessage\((?:(?<id>\d+),\s+LogLevel\.\w+,\s+"")?")]
    private static partial Regex Message();

    [GeneratedRegex(@"\.Log(?:Trace|Debug|Information|Warning|Error|Critical)\(")]
    private static partial Regex Direct();
}
