namespace FedLora.Cli.Tests;

/// <summary><c>fedlora simulate</c> with options instead of a file.</summary>
public sealed class SimulateCommandTests : IDisposable
{
    private readonly Scratch _scratch = new();

    /// <summary>Where numbers have a comma, 1,5 is one of them; here it is a list, and that is said.</summary>
    [Theory]
    [InlineData("1,5", "2 budgets, each for runs of its own: epsilon 1, epsilon 5 (one and a half is written 1.5)")]
    [InlineData("3,none", "2 budgets, each for runs of its own: epsilon 3, epsilon none")]
    [InlineData("1.5", null)]
    public async Task How_a_list_of_budgets_was_read_is_said(string epsilon, string? said)
    {
        var lines = Enumerable.Range(0, 40).Select(i => $$"""{"text":"mail {{i}}","label":"{{(i % 2 == 0 ? "ham" : "spam")}}"}""");
        var data = _scratch.File("mail.jsonl", string.Join('\n', lines));
        var (result, remarks) = await Scratch.SucceedsAsync("simulate", "--data", data, "--model", Scratch.Model, "--nodes", "2",
            "--batch-size", "4", "--epsilon", epsilon, "--out", _scratch["out"], "--explain");
        Assert.Equal(epsilon.Split(',').Length, result.GetProperty("runs").GetArrayLength());
        if (said is null)
            Assert.DoesNotContain("budgets", remarks, StringComparison.Ordinal);
        else
            Assert.Contains(said, remarks, StringComparison.Ordinal);
    }

    public void Dispose() => _scratch.Dispose();
}
