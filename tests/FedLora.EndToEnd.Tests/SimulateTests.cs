namespace FedLora.EndToEnd.Tests;

/// <summary>A sweep's processes: what a second copy meets, and what is left of them when the first one dies.</summary>
public sealed class SimulateTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-e2e-").FullName;

    [Fact]
    public async Task A_second_copy_is_refused_and_a_killed_sweep_leaves_no_process_and_goes_on()
    {
        string[] arguments = ["simulate", Scenario(), "--out", Path.Combine(_folder, "run"), "--parallel", "2"];
        using var first = new RunningProgram(arguments);
        await first.SaidAsync("1 of 2:");
        var (code, _, errors) = await Programs.RunAsync(arguments);
        Assert.Equal(1, code);
        Assert.Contains("another simulation is running in", Assert.Single(errors.TrimEnd().Split('\n')), StringComparison.Ordinal);

        // At once: the long run of the one that was killed ends by itself, and is waited for.
        await first.KillAsync();
        using var again = new RunningProgram([.. arguments, "--only", "rounds=1000000"]);
        await again.SaidAsync("500 nodes with");
        Assert.Empty(first.ProcessesLeft());
        Assert.Equal(130, await again.EndAsync("INT"));
        var (whole, _, said) = await Programs.RunAsync([.. arguments, "--only", "rounds=2"]);
        Assert.True(whole == 0, said);
        Assert.Single(Directory.GetFiles(_folder, "run.json", SearchOption.AllDirectories));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // One run takes a second, the other one hours.
    private string Scenario()
    {
        var path = Path.Combine(_folder, "scenario.yaml");
        File.WriteAllText(path, """
            federation:
              name: small
              method: fedit
              task: { kind: classification, labels: [a, b] }
              lora: { rank: 2, target_modules: [score] }
              training: { local_steps: 10, batch_size: 10, optimizer: sgd, learning_rate: 0.1 }
              cohort: { size: 50, quorum: 25, deadline_seconds: 600 }
            nodes: 500
            trainer: logistic
            data: { examples: 5000, features: 50 }
            sweep:
              federation.rounds: [2, 1000000]
            """);
        return path;
    }
}
