using System.Text.RegularExpressions;

namespace FedLora.Cli.Tests.Layout;

/// <summary>What a formatter does not see: how long a line is, and what a token of cancellation is called.</summary>
public sealed partial class LineTests
{
    private const int Longest = 140;

    [Fact]
    public void No_line_is_too_long() => Assert.Empty(
        from path in SourceFiles.All
        from line in SourceFiles.Read(path).Split('\n').Index()
        where line.Item.Length > Longest
        select $"{path}:{line.Index + 1}: {line.Item.Length} characters");

    [Fact]
    public void Cancellation_has_one_name() => Assert.Empty(
        from path in SourceFiles.All
        from Match token in Token().Matches(SourceFiles.Read(path))
        select $"{path}: {token.Value}");

    // A parameter; what the framework's base class calls stoppingToken is called so.
    [GeneratedRegex(@"\bCancellationToken\?? (?!cancellationToken\b|stoppingToken\b)[a-z]\w*(?=[,)]| = default)")]
    private static partial Regex Token();
}
