using System.Text.RegularExpressions;
using FedLora.Tests;

namespace FedLora.Cli.Tests.Layout;

/// <summary>
/// No epsilon is rounded to the nearest: what is printed is never less than was spent, nor more than is left. EpsilonText does that.
/// </summary>
public sealed partial class EpsilonTests
{
    [Fact]
    public void None_is_rounded_to_the_nearest() => Assert.Empty(
        from path in SourceFiles.Product.Concat(Pages)
        from line in SourceFiles.Read(path).Split('\n').Index()
        where Rounded().IsMatch(line.Item) || NumberOfALimit().IsMatch(line.Item)
        select $"{path}:{line.Index + 1}: {line.Item.Trim()}");

    private static IEnumerable<string> Pages =>
        Directory.EnumerateFiles(Path.Combine(Fixtures.Repository, "server"), "*.razor", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Fixtures.Repository, path).Replace('\\', '/'));

    // {spent:0.####} or SpentEpsilon.ToString("0.000"), by the names that epsilons have.
    [GeneratedRegex(@"(?:\{[^{}:""]*|\b)(?:[eE]psilon|spent|[lL]imit|most|Accounted|Lower(?:WithoutNoise)?)"
        + @"(?:\s*-\s*\w+)?(?::(?:0\.|[0#]|[gGfFnN]\d)[^{}""]*\}|\??\.ToString\(""[0#gGfFnN])")]
    private static partial Regex Rounded();

    [GeneratedRegex(@"Show\.Number\([^()]*[lL]imit\)")]
    private static partial Regex NumberOfALimit();
}
