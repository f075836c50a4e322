using System.Text;
using System.Text.Json;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;

namespace FedLora.Cli.Tests;

/// <summary><c>fedlora privacy what-if</c> on a real ledger.</summary>
public sealed class WhatIfCommandTests : IDisposable
{
    private static readonly SampledGaussian Round = new(1.1, 0.02, 10);
    private static readonly PrivacyLimit Limit = new(3, 1e-5);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-what-if-");

    [Fact]
    public async Task It_answers_what_the_accountant_does_for_the_last_round_and_for_others()
    {
        Spend("letters", 3);
        var (exit, output, _) = await RunAsync("--rounds", "25", "--json");
        Assert.Equal(0, exit);
        Same(WhatIf.Ask([Round with { Steps = 30 }], Round, 25, Limit, cancellationToken: TestContext.Current.CancellationToken), output);
        var other = new SampledGaussian(0.9, 0.03, 12);
        (_, output, _) =
            await RunAsync("--rounds", "25", "--noise-multiplier", "0.9", "--sampling-rate", "0.03", "--steps", "12", "--json");
        Same(WhatIf.Ask([Round with { Steps = 30 }], other, 25, Limit, cancellationToken: TestContext.Current.CancellationToken), output);
        Assert.Contains("rounds fit at that noise", (await RunAsync("--rounds", "25")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_answered_is_said_in_one_line()
    {
        Spend("letters", 1);
        Spend("notes", 1);
        var (exit, _, error) = await RunAsync("--rounds", "5");
        Assert.Equal(2, exit);
        Assert.Contains("--data-set: letters, notes", error, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("--rounds", "5", "--data-set", "notes")).Exit);
        Assert.Equal(2, (await RunAsync("--rounds", "0", "--data-set", "notes")).Exit);
        Assert.Equal(2, (await RunAsync("--rounds", "5", "--data-set", "nobody")).Exit);
        Assert.Equal(2, (await RunAsync("--rounds", "5", "--data-set", "notes", "--sampling-rate", "3")).Exit);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void Spend(string name, int rounds)
    {
        using var ledger = PrivacyLedger.Open(_folder.FullName);
        var dataSet =
            ledger.Identify(new DataSetLabel(name, $"{name}.jsonl"),
                [Encoding.UTF8.GetBytes($"an example of {name}, long enough to count by itself")]);
        for (var round = 1; round <= rounds; round++)
            ledger.Spend(dataSet, new LedgerUse("http://127.0.0.1:5080", "mail", round), Round, 1, Limit);
    }

    // An upper bound strays a little with the grid that the accountant happens to have at hand.
    private static void Same(WhatIf answer, string output)
    {
        using var json = JsonDocument.Parse(output);
        Assert.Equal(answer.After.Epsilon, json.RootElement.GetProperty("after_epsilon").GetDouble(), 1e-3);
        Assert.Equal(answer.Fits, json.RootElement.GetProperty("fits").GetBoolean());
        Assert.InRange(json.RootElement.GetProperty("rounds_that_fit")
            .GetInt64(), answer.RoundsThatFit!.Value - 1, answer.RoundsThatFit.Value + 1);
        Assert.Equal(answer.NoiseMultiplier!.Value, json.RootElement.GetProperty("noise_multiplier_that_fits").GetDouble(), 1e-3);
    }

    private async Task<(int Exit, string Output, string Error)> RunAsync(params string[] options)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit =
            await CommandLine.RunAsync(["privacy", "what-if", _folder.FullName, .. options], output, error,
                TestContext.Current.CancellationToken);
        return (exit, output.ToString(), error.ToString());
    }
}
