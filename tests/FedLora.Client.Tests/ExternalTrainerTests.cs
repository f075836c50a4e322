using System.Diagnostics;
using FedLora.Client.Hosting;
using FedLora.Client.Rounds;
using FedLora.Client.Trainers;
using FedLora.Privacy;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Tests;
using FedLora.Training.Preparation;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FedLora.Client.Tests;

/// <summary>A site's own trainer: what it is given, what is believed of what it gives back, and that the sample trains as FedLora
/// does.</summary>
public sealed class ExternalTrainerTests : IDisposable
{
    private const string Shell = "/bin/sh";

    // Every linear layer's tensor comes back as it was.
    private const string CopyBack = "mkdir result; cp adapter/* result/; ";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-own-trainer-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("fedit", "adamw")]
    [InlineData("fedit", "sgd")]
    [InlineData("ffa-lora", "adamw")]
    public void The_sample_trains_as_fedlora_does(string method, string optimizer)
    {
        if (Python() is not { } python)
        {
            Assert.Skip("no python3 with torch here (Debian: python3-torch)");
            return;
        }
        var prepared = Prepare(method, optimizer);
        var options = Options(python, Path.Combine(Fixtures.Repository, "docs", "samples", "trainer.py"));
        using var own = RoundTrainer.Create(options with { Trainer = null });
        var wanted = own.Train(Input(prepared, "ours"), new Seen(), CancellationToken.None);
        using var theirs = ExternalTrainer.Create(options, TimeProvider.System, NullLogger.Instance);
        var seen = new Seen();
        var found = theirs.Train(Input(prepared, "theirs"), seen, CancellationToken.None);
        Assert.Equal(wanted.Update.Names, found.Update.Names);
        Assert.NotEqual(found.Start.Hash, found.Update.Hash);
        foreach (var tensor in wanted.Update)
        {
            var largest = tensor.Values.Max(Math.Abs);
            Assert.All(tensor.Values.Zip(found.Update[tensor.Name].Values), pair =>
                Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 1e-4 * largest));
        }
        Assert.Equal((wanted.Examples, wanted.Steps), (found.Examples, found.Steps));
        Assert.Equal(wanted.Loss!.Value, found.Loss!.Value, 1e-4);
        Assert.Equal((4, 4), (seen.All[^1].Step, seen.All[^1].Steps));
        Assert.False(Directory.Exists(Path.Combine(_folder.FullName, "theirs", "trainer")));
    }

    [Theory]
    [InlineData(CopyBack + "exit 3", "trainer-failed", "exit code 3")]
    [InlineData("echo it burns >&2; exit 1", "trainer-failed", "it burns")]
    [InlineData("true", "trainer-result-invalid", "adapter_config.json")]
    [InlineData(CopyBack + "sed -i 's/\"lora_alpha\": *[0-9.]*/\"lora_alpha\": 99/' result/adapter_config.json", "trainer-result-invalid",
        "scale")]
    [InlineData(CopyBack + "head -c 100 adapter/adapter_model.safetensors > result/adapter_model.safetensors", "trainer-result-invalid",
        "adapter_model")]
    [InlineData(CopyBack + "head -c 9000000 /dev/zero >> result/adapter_model.safetensors", "trainer-result-invalid", "bytes")]
    // The last bytes are a value of the last tensor, a B or an A: infinite then.
    [InlineData(
        CopyBack
            + "s=$(stat -c %s result/adapter_model.safetensors); printf '\\000\\000\\200\\177' | dd of=result/adapter_model.safetensors "
            + "bs=1 seek=$((s-4)) conv=notrunc 2>/dev/null", "trainer-result-invalid", "at index")]
    // A comes first, and ffa-lora keeps it.
    [InlineData(
        CopyBack
            + "printf '\\000\\000\\200\\077' | dd of=result/adapter_model.safetensors bs=1 seek=$(($(od -An -tu4 -N4 "
            + "result/adapter_model.safetensors)+8)) conv=notrunc 2>/dev/null", "trainer-result-invalid", "frozen")]
    public void A_trainer_that_fails_or_lies_ends_the_task_with_its_reason(string script, string code, string what)
    {
        Assert.SkipUnless(File.Exists(Shell), "no shell here");
        using var trainer = ExternalTrainer.Create(Options(Shell, "-c", script), TimeProvider.System, NullLogger.Instance);
        var error = Assert.Throws<FedLoraException>(() =>
            trainer.Train(Input(Prepare("ffa-lora", "sgd"), "state"), new Seen(), CancellationToken.None));
        Assert.Equal(code, error.Code);
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.False(Directory.Exists(Path.Combine(_folder.FullName, "state", "trainer")));
    }

    [Fact]
    public void A_trainer_that_hangs_is_ended_with_its_children_when_its_time_is_over()
    {
        Assert.SkipUnless(File.Exists(Shell), "no shell here");
        using var trainer = ExternalTrainer.Create(Options(Shell, "-c", "echo $$ > ../pid; sleep 600 & sleep 600; exit 0"),
            TimeProvider.System, NullLogger.Instance);
        var input = Input(Prepare("fedit", "sgd"), "state");
        input.Task.DeadlineUnixMs = DateTimeOffset.UtcNow.AddSeconds(3).ToUnixTimeMilliseconds();
        Assert.Equal("trainer-late", Assert.Throws<FedLoraException>(() => trainer.Train(input, new Seen(), CancellationToken.None)).Code);
        var pid = int.Parse(File.ReadAllText(Path.Combine(_folder.FullName, "state", "pid")));
        Assert.Throws<ArgumentException>(() => Process.GetProcessById(pid));
    }

    [Fact]
    public void What_a_trainer_leaves_behind_is_ended_though_its_result_is_good()
    {
        Assert.SkipUnless(File.Exists(Shell) && Directory.Exists("/proc/self"), "no shell here, or another system than Linux");
        using var trainer = ExternalTrainer.Create(
            Options(Shell, "-c", CopyBack + "(setsid sleep 60 & echo $! > ../pid; sleep 60) > /dev/null 2>&1 & sleep 1; exit 0"),
            TimeProvider.System, NullLogger.Instance);
        Assert.Equal(7, trainer.Train(Input(Prepare("fedit", "sgd"), "state"), new Seen(), CancellationToken.None).Examples);
        var pid = int.Parse(File.ReadAllText(Path.Combine(_folder.FullName, "state", "pid")));
        Assert.Throws<ArgumentException>(() => Process.GetProcessById(pid));
    }

    [Theory]
    [InlineData("echo '{\"step\":1,\"loss\":9,\"\\ud800\":1}'")]
    [InlineData("echo '{\"step\":1,\"loss\":\"\\ud800\"}'; echo '{}'; echo '{'")]
    public void What_a_trainer_says_ends_nothing_whatever_it_is(string words)
    {
        Assert.SkipUnless(File.Exists(Shell), "no shell here");
        // More than a pipe holds stands behind it.
        using var trainer = ExternalTrainer.Create(Options(Shell, "-c", $"{CopyBack}{words}; i=0; while [ $i -lt 3000 ]; do "
            + "echo '{\"step\":2,\"loss\":0.5,\"more\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}'; i=$((i+1)); done"), TimeProvider.System,
            NullLogger.Instance);
        var input = Input(Prepare("fedit", "sgd"), "state");
        input.Task.SecondsLeft = 20;
        var output = trainer.Train(input, new Seen(), CancellationToken.None);
        Assert.Equal(0.5, output.Loss!.Value, 1e-12);
    }

    [Fact]
    public void A_log_that_cannot_be_written_costs_no_result()
    {
        Assert.SkipUnless(File.Exists(Shell) && File.Exists("/dev/full"), "no shell here, or no full device");
        using var trainer = ExternalTrainer.Create(Options(Shell, "-c", CopyBack + "head -c 300000 /dev/zero | tr '\\0' '\\n'; echo done"),
            TimeProvider.System, NullLogger.Instance);
        var input = Input(Prepare("fedit", "sgd"), "state");
        input.Task.SecondsLeft = 20;
        File.CreateSymbolicLink(Path.Combine(input.Folder, "trainer.log"), "/dev/full");
        Assert.Equal(7, trainer.Train(input, new Seen(), CancellationToken.None).Examples);
    }

    [Theory]
    [InlineData(100.0, 30, null)]
    [InlineData(100.0, 100, "trainer-late")]
    [InlineData(double.NaN, 0, "trainer-late")]
    [InlineData(double.PositiveInfinity, 30, null)]
    public void The_time_left_is_the_coordinators_whatever_the_date_here(double told, int passed, string? code)
    {
        Assert.SkipUnless(File.Exists(Shell), "no shell here");
        using var trainer = ExternalTrainer.Create(Options(Shell, "-c", CopyBack), new Shifted(TimeSpan.FromSeconds(passed)),
            NullLogger.Instance);
        var input = Input(Prepare("fedit", "sgd"), "state") with { Received = TimeProvider.System.GetTimestamp() };
        input.Task.DeadlineUnixMs = DateTimeOffset.UnixEpoch.ToUnixTimeMilliseconds();
        input.Task.SecondsLeft = told;
        if (code is null)
            Assert.Equal(7, trainer.Train(input, new Seen(), CancellationToken.None).Examples);
        else
            Assert.Equal(code, Assert.Throws<FedLoraException>(() => trainer.Train(input, new Seen(), CancellationToken.None)).Code);
    }

    [Fact]
    public void Looking_at_the_data_ends_when_the_program_does()
    {
        using var ended = new CancellationTokenSource();
        ended.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => RoundTrainer.Create(Options() with { Trainer = null }, ended.Token));
        Assert.ThrowsAny<OperationCanceledException>(() => ExternalTrainer.Create(Options(Shell), TimeProvider.System, NullLogger.Instance,
            ended.Token));
    }

    [Fact]
    public void A_program_that_is_not_there_is_said()
    {
        using var trainer = ExternalTrainer.Create(Options("no-such-program-anywhere"), TimeProvider.System, NullLogger.Instance);
        Assert.Equal("trainer-missing",
            Assert.Throws<FedLoraException>(() =>
                trainer.Train(Input(Prepare("fedit", "sgd"), "state"), new Seen(), CancellationToken.None)).Code);
    }

    [Fact]
    public void Privacy_of_examples_and_methods_beyond_a_peft_folder_are_refused()
    {
        using var trainer = ExternalTrainer.Create(Options(Shell, "-c", "true"), TimeProvider.System, NullLogger.Instance);
        var task = Input(Prepare("fedit", "sgd"), "state").Task;
        Assert.Null(trainer.Refuses(task));
        task.Definition.Privacy = new PrivacyTerms { Epsilon = 8, Delta = 1e-5, ClipNorm = 1, SamplingRate = 0.5, Accountant = "pld" };
        Assert.Contains("single examples", trainer.Refuses(task), StringComparison.Ordinal);
        var folding = Input(Prepare("flora", "sgd"), "state").Task;
        Assert.Contains("flora", trainer.Refuses(folding), StringComparison.Ordinal);
    }

    [Fact]
    public void Noise_on_the_whole_update_is_drawn_anew_accounted_first_and_hides_count_and_loss()
    {
        Assert.SkipUnless(File.Exists(Shell), "no shell here");
        var options = Options(Shell, "-c", CopyBack + "echo '{\"step\":1,\"loss\":0.5}'") with
        {
            UpdateNoise = new UpdateNoiseTerms(0.5, 2),
            PublicCount = 100
        };
        var log = new Lines();
        using var trainer = ExternalTrainer.Create(options, TimeProvider.System, log);
        Assert.True(trainer.IsSilent);
        var seen = new Seen();
        var prepared = Prepare("fedit", "sgd");
        var outputs = Enumerable.Range(0, 2).Select(_ => trainer.Train(Input(prepared, "state"), seen, CancellationToken.None)).ToArray();
        Assert.NotEqual(outputs[0].Update.Hash, outputs[1].Update.Hash);
        Assert.All(outputs, output => Assert.Equal((100L, null), (output.Examples, output.Loss)));
        Assert.Empty(seen.All);
        var account = new UpdateNoiseAccount(options.State);
        Assert.Equal((2, Accountants.Default.Epsilon([new SampledGaussian(2, 1, 2)], 1e-5, TestContext.Current.CancellationToken).Epsilon),
            (account.Rounds, account.Epsilon(1e-5)));
        Assert.Contains($"2 rounds so far, epsilon {EpsilonText.AtMost(account.Epsilon(1e-5))} at delta 1e-5", log.All[^1],
            StringComparison.Ordinal);
        Assert.Equal("2 2\n", File.ReadAllText(Path.Combine(options.State, "update-noise")));
        // The trainer changed nothing: what is left is the noise, N(0, (2 x 0.5)^2) in each entry.
        var noise = outputs.SelectMany(output =>
            output.Update.SelectMany(tensor => tensor.Values.Zip(output.Start[tensor.Name].Values, (a, b) => (double)a - b))).ToArray();
        Assert.InRange(Math.Sqrt(noise.Average(value => value * value)), 1 - (6 / Math.Sqrt(2.0 * noise.Length)),
            1 + (6 / Math.Sqrt(2.0 * noise.Length)));
    }

    [Theory]
    [InlineData(0.5, 0.001)]
    [InlineData(1e9, 1)]
    [InlineData(double.NaN, 1)]
    public void Noise_and_norm_have_the_bounds_of_private_training(double clip, double noise) =>
        Assert.Equal("privacy-invalid", Assert.Throws<FedLoraException>(() => ExternalTrainer.Create(
            Options(Shell) with { UpdateNoise = new UpdateNoiseTerms(clip, noise) }, TimeProvider.System, NullLogger.Instance)).Code);

    private static string? Python() => Array.Find(["/usr/bin/python3", "python3"], program =>
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, ["-c", "import torch"])
            {
                UseShellExecute = false,
                RedirectStandardError = true
            })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    });

    private string Model()
    {
        var model = Path.Combine(_folder.FullName, "model");
        if (Directory.Exists(model))
            return model;
        Directory.CreateDirectory(model);
        foreach (var name in (string[])["config.json", "model.safetensors"])
            File.Copy(Fixtures.PathOf("models", "llama", name), Path.Combine(model, name));
        var letters = string.Join(',', "abcdefghijklmnopqrstuvwxyz ".Select((letter, id) => $"\"{letter}\":{id + 3}"));
        File.WriteAllText(Path.Combine(model, "tokenizer.json"),
            $$"""{"model":{"type":"BPE","vocab":{{{letters}}},"merges":[]},"added_tokens":[]}""");
        return model;
    }

    private FederationPreparation Prepare(string method, string optimizer) => FederationPreparation.Prepare(new FederationDefinition
    {
        Name = "texts",
        Method = method,
        MethodOptions = new MethodOptions(),
        Rounds = 2,
        Seed = 5,
        Task = new LearningTask { CausalLanguageModel = new CausalLanguageModel() },
        Lora = new LoraSettings { Rank = 4, Alpha = 8, TargetModules = { "q_proj", "v_proj", "down_proj" } },
        Training = new TrainingSettings
        {
            LocalSteps = 4,
            BatchSize = 3,
            Optimizer = optimizer,
            LearningRate = 0.02,
            MaxTokens = 24,
            Schedule = "constant",
            Dtype = "f32",
            MaxGradNorm = 1
        },
    }.ToModel(), Model(), null, CancellationToken.None);

    private RoundInput Input(FederationPreparation prepared, string state) => new(
        new TrainingTask
        {
            Federation = "texts",
            Round = 1,
            Attempt = 1,
            Definition = prepared.Definition.ToWire(layout: true),
            Rank = 4,
            DensityDown = 1,
            DensityUp = 1,
            Adapter = new AdapterRef(),
            DeadlineUnixMs = DateTimeOffset.UtcNow.AddMinutes(3).ToUnixTimeMilliseconds(),
        },
        prepared.InitialAdapter, [], Directory.CreateDirectory(Path.Combine(_folder.FullName, state)).FullName, 7, _ => null);

    private ClientOptions Options(params string[] command)
    {
        var data = Path.Combine(_folder.FullName, "data.csv");
        File.WriteAllLines(data,
            ["prompt,completion", .. Enumerable.Range(0, 7)
                .Select(i => $"say {(char)('a' + i)},{string.Concat(Enumerable.Repeat((char)('a' + i), i + 1))} it is")]);
        var state = Directory.CreateDirectory(Path.Combine(_folder.FullName, "node")).FullName;
        return new ClientOptions
        {
            Coordinator = "http://127.0.0.1:1",
            Name = "site",
            Model = Model(),
            Data = data,
            State = state,
            Trainer = command
        };
    }

    /// <summary>The steady clock, so much later.</summary>
    private sealed class Shifted(TimeSpan by) : TimeProvider
    {
        public override long GetTimestamp() => System.GetTimestamp() + (long)(by.TotalSeconds * System.TimestampFrequency);
    }

    private sealed class Lines : ILogger
    {
        public List<string> All { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => All.Add(formatter(state, exception));
    }

    private sealed class Seen : IProgress<TrainingProgress>
    {
        public List<TrainingProgress> All { get; } = [];

        public void Report(TrainingProgress value) => All.Add(value);
    }
}
