using System.Runtime.CompilerServices;
using System.Text.Json;
using FedLora.Simulations.Pretraining;
using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary><c>fedlora demo</c> on a base model of a few thousand weights: interrupted in its phases, and two at once.</summary>
public sealed class DemoTests : IClassFixture<DemoTests.TinyModel>, IDisposable
{
    private readonly TinyModel _model;
    private readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("fedlora-e2e-");
    private readonly string _temporary;

    public DemoTests(TinyModel model) => (_model, _temporary) = (model, _scratch.CreateSubdirectory("temporary").FullName);

    [DemoTheory]
    [InlineData("reading and splitting the mail", "INT", false)]
    [InlineData("starting 1 coordinator", "INT", true)]
    [InlineData("round 1: 0 of", "TERM", true)]
    [InlineData("each site alone", "INT", true)]
    public async Task Interrupted_it_leaves_nothing_behind(string phase, string signal, bool toGroup)
    {
        using var demo = Start("out", steps: phase.Contains("alone", StringComparison.Ordinal) ? 1 : 1000);
        await demo.SaidAsync(phase);
        Assert.Equal(130, await demo.EndAsync(signal, toGroup));
        using (var said = JsonDocument.Parse(await demo.Output))
            Assert.Equal("interrupted", said.RootElement.GetProperty("error").GetProperty("code").GetString());
        Assert.Empty(demo.ProcessesLeft());
        Assert.Empty(Directory.EnumerateFileSystemEntries(_temporary, "fedlora-*"));
    }

    [DemoTheory]
    [InlineData(2)]
    public async Task Several_at_once_do_not_meet(int count)
    {
        var demos = Enumerable.Range(1, count).Select(number => Start($"out-{number}", steps: 1)).ToList();
        for (var number = 1; number <= count; number++)
        {
            using var demo = demos[number - 1];
            var code = await demo.EndedAsync();
            Assert.True(code == 0, demo.LastLine);
            using var report = JsonDocument.Parse(await demo.Output);
            Assert.Equal(1, report.RootElement.GetProperty("rounds").GetInt32());
            var adapter = report.RootElement.GetProperty("adapter").GetString()!;
            Assert.StartsWith(Path.Combine(_scratch.FullName, $"out-{number}"), adapter, StringComparison.Ordinal);
            Assert.True(File.Exists(Path.Combine(adapter, "adapter_model.safetensors")));
            Assert.Empty(demo.ProcessesLeft());
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_temporary, "fedlora-*"));
    }

    public void Dispose() => _scratch.Delete(recursive: true);

    private RunningProgram Start(string folder, int steps) =>
        new(["demo", "--rounds", "1", "--steps", $"{steps}", "--nodes", "2", "--model", _model.Folder, "--out",
            Path.Combine(_scratch.FullName, folder), "--json"], _temporary);

    /// <summary>A base model that learns nothing, and is quick about it.</summary>
    public sealed class TinyModel : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-tiny-");

        public TinyModel() => new Pretrainer().Run(
            Folder,
            [new CorpusSource("words", [string.Join(' ', Enumerable.Repeat("the meeting is on monday win money now", 32))], 1,
                KeepBeginnings: true)],
            new EncoderShape(Vocabulary: 100, Layers: 1, Width: 16, Heads: 2, Inner: 32, MaxLength: 128),
            new PretrainingSettings(Steps: 1, BatchSize: 2), null, CancellationToken.None);

        public string Folder => Path.Combine(_folder.FullName, "model");

        public void Dispose() => _folder.Delete(recursive: true);
    }
}

/// <summary>A test of the demo: skipped where its mail has not been fetched.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DemoTheoryAttribute : TheoryAttribute
{
    public DemoTheoryAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        var mail = Path.Combine(Fixtures.Repository, ".build", "corpora", "spam-assassin");
        if (!Directory.Exists(mail)) Skip = $"there is no mail at {mail}; './fedlora demo' fetches it";
    }
}
