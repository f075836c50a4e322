using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary>The demo's base model and some data for real client processes.</summary>
internal sealed class RealSites : IDisposable
{
    private readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("fedlora-e2e-");

    /// <summary>The base model's folder.</summary>
    public static string Model => Path.Combine(Fixtures.Repository, "simulations", "models", "mail-encoder");

    /// <summary>Creates and starts a federation over the model; rounds wait for so many nodes.</summary>
    public Task<TestFederation> CreateAsync(CoordinatorProcess coordinator, int rounds, int steps, int quorum, int deadlineSeconds,
        int nodes = 2) =>
            CreateAsync(coordinator, rounds, steps,
                $"cohort: {{ size: {nodes}, quorum: {quorum}, min_nodes: {nodes}, deadline_seconds: {deadlineSeconds} }}");

    /// <summary>The same with other rules.</summary>
    /// <param name="coordinator">Where.</param>
    /// <param name="rounds">How many.</param>
    /// <param name="steps">In each.</param>
    /// <param name="rules">Lines of the file that say who takes part, and with which privacy.</param>
    public async Task<TestFederation> CreateAsync(CoordinatorProcess coordinator, int rounds, int steps, string rules)
    {
        var file = Path.Combine(_scratch.FullName, "federation.yaml");
        await File.WriteAllTextAsync(file, $$"""
            name: mail
            method: fedit
            rounds: {{rounds}}
            task: { kind: classification, labels: [ham, spam] }
            lora: { rank: 32, alpha: 32, target_modules: [query, value] }
            training: { local_steps: {{steps}}, batch_size: 8, learning_rate: 0.001, max_tokens: 16, dtype: f32 }
            {{rules}}
            """);
        var (code, _, errors) = await Programs.RunAsync("admin", "--data", coordinator.Data, "federation", "create", "-f", file, "--model",
            Model, "--start");
        Assert.True(code == 0, errors);
        return TestFederation.Of(coordinator, "mail");
    }

    /// <summary>What a site's client is started with; it finds itself again in its state folder.</summary>
    public string[] Arguments(string url, string site, string? state = null) => ["--name", site, .. WithoutName(url, site, state)];

    /// <summary>The same, for a site that was enrolled before.</summary>
    public string[] WithoutName(string url, string site, string? state = null) =>
        ["--coordinator", url, "--data", Data(site), "--state", state ?? StateOf(site), "--model", Model];

    public string StateOf(string site) => Path.Combine(_scratch.FullName, $"state-{site}");

    /// <summary>A file with a text in it.</summary>
    public string Keep(string name, string text)
    {
        var file = Path.Combine(_scratch.FullName, name);
        File.WriteAllText(file, text + "\n");
        return file;
    }

    public void Dispose() => _scratch.Delete(recursive: true);

    private string Data(string site)
    {
        var file = Path.Combine(_scratch.FullName, $"{site}.jsonl");
        var words = string.Join(' ', Enumerable.Repeat("meeting report on tuesday", 20));
        File.WriteAllLines(file,
            Enumerable.Range(0, 64).Select(i => $$"""{"text":"{{site}} {{i}} {{words}}","label":"{{(i % 2 == 0 ? "ham" : "spam")}}"}"""));
        return file;
    }
}
