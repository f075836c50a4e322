using System.Text.Json;

namespace FedLora.Cli.Tests;

/// <summary>What <c>fedlora privacy</c> answers, and how it refuses.</summary>
public sealed class PrivacyCommandTests
{
    [Theory]
    [InlineData("epsilon --noise-multiplier -1 --sampling-rate 0.1 --steps 10 --delta 1e-5", "noise multiplier is -1")]
    [InlineData("epsilon --noise-multiplier 0 --sampling-rate 0.1 --steps 10 --delta 1e-5", "noise multiplier is 0")]
    [InlineData("epsilon --noise-multiplier NaN --sampling-rate 0.1 --steps 10 --delta 1e-5", "--noise-multiplier: expected a number")]
    [InlineData("epsilon --noise-multiplier Infinity --sampling-rate 0.1 --steps 10 --delta 1e-5", "--noise-multiplier: expected a number")]
    [InlineData("epsilon --noise-multiplier 1 --sampling-rate 1.5 --steps 10 --delta 1e-5", "sampling rate is 1.5")]
    [InlineData("epsilon --noise-multiplier 1 --sampling-rate -0.1 --steps 10 --delta 1e-5", "sampling rate is -0.1")]
    [InlineData("epsilon --noise-multiplier 1 --sampling-rate 0 --steps 10 --delta 1e-5", "sampling rate is 0")]
    [InlineData("epsilon --noise-multiplier 1 --sampling-rate NaN --steps 10 --delta 1e-5", "--sampling-rate: expected a number")]
    [InlineData("epsilon --noise-multiplier 1 --sampling-rate 0.1 --steps 0 --delta 1e-5", "number of steps is 0")]
    [InlineData("epsilon --noise-multiplier 1 --sampling-rate 0.1 --steps -3 --delta 1e-5", "number of steps is -3")]
    [InlineData("epsilon --noise-multiplier 1 --sampling-rate 0.1 --steps 1.5 --delta 1e-5", "1.5")]
    [InlineData("epsilon --noise-multiplier 1 --sampling-rate 0.1 --steps 10 --delta 0", "delta is 0")]
    [InlineData("epsilon --noise-multiplier 1 --sampling-rate 0.1 --steps 10 --delta 1", "delta is 1")]
    [InlineData("epsilon --noise-multiplier 1 --sampling-rate 0.1 --steps 10 --delta NaN", "--delta: expected a number")]
    [InlineData("epsilon --noise-multiplier 1 --sampling-rate 0.1 --steps 10 --delta 1e-5 --accountant gdp", "gdp")]
    [InlineData("epsilon", "--noise-multiplier")]
    [InlineData("noise --epsilon 0 --sampling-rate 0.1 --steps 10 --delta 1e-5", "epsilon is 0")]
    [InlineData("noise --epsilon NaN --sampling-rate 0.1 --steps 10 --delta 1e-5", "--epsilon: expected a number")]
    [InlineData("noise --epsilon -1 --sampling-rate 0.1 --steps 10 --delta 1e-5", "epsilon is -1")]
    [InlineData("noise --epsilon 1 --sampling-rate 0.1 --steps 0 --delta 1e-5", "number of steps is 0")]
    [InlineData("noise --epsilon 1 --sampling-rate 2 --steps 10 --delta 1e-5", "sampling rate is 2")]
    [InlineData("steps --epsilon 0 --noise-multiplier 1 --sampling-rate 0.1 --delta 1e-5", "epsilon is 0")]
    [InlineData("steps --epsilon 1 --noise-multiplier 0 --sampling-rate 0.1 --delta 1e-5", "noise multiplier is 0")]
    [InlineData("steps --epsilon 1 --noise-multiplier 1 --sampling-rate 0 --delta 1e-5", "sampling rate is 0")]
    [InlineData("noise --epsilon 1 --sampling-rate 0.1 --steps 10 --delta 1e-5 --count 0", "--count must be at least 1")]
    [InlineData("ledger", "DIR")]
    [InlineData("audit --runs 0", "At least 100 runs")]
    [InlineData("audit --noise-multiplier -1", "sigma above 0")]
    [InlineData("audit --delta 1", "delta between 0 and 1")]
    public async Task Odd_numbers_are_wrong_usage_in_one_line(string words, string said)
    {
        var (exit, output, error) = await RunAsync(["privacy", .. words.Split(' ')]);
        Assert.Equal(2, exit);
        Assert.Empty(output);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Contains(said, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pld", null)]
    [InlineData("rdp", 5.0)]
    [InlineData("prv", null)]
    public async Task Epsilon_under_json(string accountant, double? order)
    {
        var (exit, output, _) = await RunAsync("privacy", "epsilon", "--noise-multiplier", "1", "--sampling-rate", "0.1", "--steps", "10",
            "--delta", "1e-5", "--accountant", accountant, "--json");
        Assert.Equal(0, exit);
        var answer = JsonDocument.Parse(output).RootElement;
        Assert.Equal(["version", "epsilon", "lower", "accountant", "order"], answer.EnumerateObject().Select(property => property.Name));
        Assert.InRange(answer.GetProperty("epsilon").GetDouble(), 2.85, 3.5);
        Assert.True(answer.GetProperty("lower").GetDouble() <= answer.GetProperty("epsilon").GetDouble());
        Assert.Equal(accountant, answer.GetProperty("accountant").GetString());
        if (order is null)
            Assert.Equal(JsonValueKind.Null, answer.GetProperty("order").ValueKind);
        else
            Assert.InRange(answer.GetProperty("order").GetDouble(), 1.1, 63);
    }

    [Theory]
    [InlineData("1e-5", "99999", false)]
    [InlineData("1e-5", "100000", true)]
    [InlineData("0.1", "10", true)]
    [InlineData("1e-6", "100000", false)]
    public async Task A_delta_too_large_for_the_count_is_said(string delta, string count, bool said)
    {
        string[][] questions = [["epsilon", "--noise-multiplier", "1", "--steps", "10"], ["noise", "--epsilon", "3", "--steps", "10"],
            ["steps", "--epsilon", "3", "--noise-multiplier", "1"]];
        foreach (var question in questions)
        {
            var (exit, output, error) = await RunAsync(
                ["privacy", .. question, "--sampling-rate", "0.1", "--delta", delta, "--count", count, "--json"]);
            Assert.Equal(0, exit);
            Assert.Equal(said, error.Contains($"too large for the {count} examples", StringComparison.Ordinal));
            JsonDocument.Parse(output).Dispose();
        }
    }

    /// <summary>"0 steps" was all that was said.</summary>
    [Theory]
    [InlineData("prv", "0.015", true)]
    [InlineData("prv", "4", false)]
    [InlineData("pld", "0.000001", false)]
    public async Task Where_only_another_accountant_can_show_that_steps_fit_it_is_said(string accountant, string epsilon, bool said)
    {
        var (exit, _, error) = await RunAsync("privacy", "steps", "--epsilon", epsilon, "--noise-multiplier", "4", "--sampling-rate",
            "0.01", "--delta", "1e-5", "--accountant", accountant);
        Assert.Equal(0, exit);
        Assert.Equal(said, error.Contains("--accountant pld", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_curve_is_drawn()
    {
        var file = Path.Combine(Path.GetTempPath(), $"fedlora-curve-{Guid.NewGuid():N}.svg");
        try
        {
            var (exit, _, _) = await RunAsync("privacy", "epsilon", "--noise-multiplier", "2", "--sampling-rate", "0.01", "--steps", "40",
                "--delta", "1e-5", "--plot", file);
            Assert.Equal(0, exit);
            var picture = System.Xml.Linq.XDocument.Load(file);
            Assert.Contains(picture.Descendants(), element => element.Name.LocalName is "path" or "polyline");
            Assert.Contains("steps of DP-SGD", picture.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_ledger_that_is_not_there_is_a_failure()
    {
        var (exit, _, error) = await RunAsync("privacy", "ledger", "/nowhere/ledger");
        Assert.Equal(1, exit);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Contains("/nowhere/ledger", error, StringComparison.Ordinal);
    }

    private static async Task<(int Exit, string Output, string Error)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit = await CommandLine.RunAsync(args, output, error, CancellationToken.None);
        return (exit, output.ToString(), error.ToString());
    }
}
