using System.Text.RegularExpressions;
using FedLora.Tests;

namespace FedLora.Training.Tests.Libtorch;

/// <summary>
/// Spellings that <see cref="UpstreamTests"/> shows to be traps, forbidden in product code: an analyzer that bans names cannot see
/// literals.
/// </summary>
public sealed partial class SourceTests
{
    private static readonly string[] Rooms = ["cli", "client", "server", "shared", "simulations",
        Path.Combine("tests", "FedLora.Benchmarks")];

    [Fact]
    public void No_product_code_falls_into_TorchSharp_s_traps()
    {
        var found = Rooms.SelectMany(
            room => Directory.EnumerateFiles(Path.Combine(Fixtures.Repository, room), "*.cs", SearchOption.AllDirectories))
            .Where(
                file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
                    && Path.GetFileName(file) != "LibtorchLoader.cs")
            .SelectMany(
                file => File.ReadLines(file)
                    .Select((line, i) => (line, Place: $"{Path.GetRelativePath(Fixtures.Repository, file)}:{i + 1}")))
            .Where(line => Trap().IsMatch(line.line)).Select(line => line.Place);
        Assert.Empty(found);
    }

    [Theory]
    [InlineData("x.sum(0)")]
    [InlineData("x.prod( 0, keepdim: true)")]
    [InlineData("torch.sum(x, 0)")]
    [InlineData("prod(x.abs(), 0)")]
    [InlineData("x.norm(1)")]
    [InlineData("torch.baddbmm(a, b, c)")]
    [InlineData("TorchSharp.torch.set_num_threads(2)")]
    public void Traps_are_seen(string code) => Assert.Matches(Trap(), code);

    [Theory]
    [InlineData("x.sum(0L)")]
    [InlineData("x.sum(dim: 0)")]
    [InlineData("x.sum(1)")]
    [InlineData("x.norm(1f)")]
    [InlineData("rows.Sum(0)")]
    [InlineData("LibtorchLoader.UseThreads(2)")]
    public void What_is_right_is_let_through(string code) => Assert.DoesNotMatch(Trap(), code);

    // The last: whoever begins with it has TorchSharp look for libtorch by itself; LibtorchLoader.UseThreads loads it first.
    [GeneratedRegex(
        @"\b(sum|prod)\((?:[^;()]*(?:\([^()]*\)[^;()]*)*,)?\s*0\s*[,)]|\.norm\(\s*[0-9]+\s*[,)]|\bbaddbmm\b|\bset_num_threads\b")]
    private static partial Regex Trap();
}
