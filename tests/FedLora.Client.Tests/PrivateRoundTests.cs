using FedLora.Adapters;
using FedLora.Client.Hosting;
using FedLora.Client.Ledger;
using FedLora.Client.Rounds;
using FedLora.Client.Trainers;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Tests;
using FedLora.Training.Preparation;

namespace FedLora.Client.Tests;

/// <summary>A real round under privacy terms, on the demo's base model: what leaves the node, and what it has spent before.</summary>
public sealed class PrivateRoundTests : IDisposable
{
    private readonly DirectoryInfo _folder;
    private static readonly string Model = Directory.EnumerateDirectories(Path.Combine(Fixtures.Repository, "simulations", "models"))
        .First(path => File.Exists(Path.Combine(path, "config.json")));

    public PrivateRoundTests() => _folder = Directory.CreateTempSubdirectory("fedlora-private-round-");

    private PrivateRoundTests(string path) => _folder = new DirectoryInfo(path);

    /// <summary>One private round in a folder of the caller's.</summary>
    internal static void TrainIn(string path, IProgress<TrainingProgress> progress)
    {
        var site = new PrivateRoundTests(path);
        var prepared = FederationPreparation.Prepare(Define("ffa-lora", privacy: true).ToModel(), Model, null, CancellationToken.None);
        using var node = new Node(site.Options("state"));
        node.Train(site.Input(prepared, "state"), progress, CancellationToken.None);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("ffa-lora")]
    [InlineData("fedit")]
    public void A_round_is_spent_once_and_its_noise_never_repeats(string method)
    {
        var prepared = FederationPreparation.Prepare(Define(method, privacy: true).ToModel(), Model, null, CancellationToken.None);
        var updates = new List<byte[]>();
        for (var start = 0; start < 2; start++)
        {
            // Each time another process's worth of state, and the same round: without noise the bytes would be the same.
            var progress = new Seen();
            using var node = new Node(Options($"state-{start}"));
            var output = node.Train(Input(prepared, $"state-{start}"), progress, CancellationToken.None);
            Assert.Equal(2, output.Steps);
            var receipt = node.Receipt!;
            Assert.Equal((0.5, 2, 1.0), (receipt.Run.SamplingRate, receipt.Steps, receipt.ClipNorm));
            Assert.Equal(receipt.EpsilonSpent, Assert.Single(node.Rules.Profile("").Balances).SpentEpsilon, 1e-3);
            Assert.False(node.Rules.Profile("").HasExampleCount);
            updates.Add(output.Update.ToBytes());
        }
        Assert.NotEqual(updates[0], updates[1]);
    }

    [Fact]
    public void The_entry_is_on_disk_before_the_first_sample_is_drawn()
    {
        var prepared = FederationPreparation.Prepare(Define("ffa-lora", privacy: true).ToModel(), Model, null, CancellationToken.None);
        using var node = new Node(Options("state"));
        // Stopped after its first step, the round is spent all the same.
        using var stop = new CancellationTokenSource();
        var progress = new Seen { OnReport = stop.Cancel };
        Assert.ThrowsAny<OperationCanceledException>(() => node.Train(Input(prepared, "state"), progress, stop.Token));
        Assert.Single(progress.All);
        using var ledger = PrivacyLedger.Read(Path.Combine(_folder.FullName, "state", "ledger"));
        Assert.Equal((2L, 1), (Assert.Single(ledger.Entries).Steps, ledger.Entries[0].Round));
    }

    [Fact]
    public void A_node_that_was_killed_in_its_first_round_has_spent_it()
    {
        using var child = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("dotnet",
                [typeof(PrivateRoundTests).Assembly.Location, KilledSite.Verb, _folder.FullName]))!;
        child.WaitForExit();
        Assert.Equal(137, child.ExitCode);
        using var ledger = PrivacyLedger.Open(Path.Combine(_folder.FullName, "state", "ledger"));
        Assert.Equal((2L, 1), (Assert.Single(ledger.Entries).Steps, ledger.Entries[0].Round));
    }

    /// <summary>The order of the two: where the entry cannot be written, no step is taken.</summary>
    [Fact]
    public void Without_an_entry_on_disk_nothing_is_drawn()
    {
        var prepared = FederationPreparation.Prepare(Define("ffa-lora", privacy: true).ToModel(), Model, null, CancellationToken.None);
        using var node = new Node(Options("state", new SitePolicy { Epsilon = 8 }));
        var file = Path.Combine(_folder.FullName, "state", "ledger", "ledger.jsonl");
        File.Delete(file);
        Directory.CreateDirectory(file);
        var progress = new Seen();
        Assert.ThrowsAny<Exception>(() => node.Train(Input(prepared, "state"), progress, CancellationToken.None));
        Assert.Empty(progress.All);
    }

    [Fact]
    public void Training_without_privacy_terms_is_recorded_and_a_site_with_a_limit_refuses_it()
    {
        var prepared = FederationPreparation.Prepare(Define("ffa-lora", privacy: false).ToModel(), Model, null, CancellationToken.None);
        var task = Task(prepared.Definition.ToWire(layout: true));
        using (var node = new Node(Options("open")))
        {
            Assert.Null(node.Rules.Refuses(task, () => null));
            Assert.Empty(node.Rules.Profile("").Balances);
            node.Train(Input(prepared, "open"), new Seen(), CancellationToken.None);
            Assert.Null(node.Receipt);
            Assert.True(Assert.Single(node.Rules.Profile("").Balances).UsedWithoutPrivacy);
        }
        using var limited = new Node(Options("limited", new SitePolicy { Epsilon = 4 }));
        Assert.Contains("differential privacy", limited.Rules.Refuses(task, () => null));
        Assert.Equal(4, Assert.Single(limited.Rules.Profile("").Balances).LimitEpsilon);
    }

    [Fact]
    public void A_stated_rate_makes_the_expected_batch_not_the_setting_that_only_divides()
    {
        var task = Task(
            FederationPreparation.Prepare(Define("ffa-lora", privacy: true).ToModel(), Model, null,
                CancellationToken.None).Definition.ToWire(layout: true));
        task.Definition.Training.BatchSize = 1000;
        Assert.Contains("--public-count", Refusal(0));
        Assert.Contains("not 3", Refusal(6));
        Assert.Null(Refusal(8));

        string? Refusal(long count)
        {
            using var node = new Node(Options($"count-{count}", new SitePolicy { MinBatch = 4 }) with { PublicCount = count });
            return node.Rules.Refuses(task, () => null);
        }
    }

    /// <summary>What was half loaded stays in nobody's memory: the next round trains on a whole model.</summary>
    [Fact]
    public void A_fold_that_does_not_fit_leaves_no_broken_model_behind()
    {
        var prepared = FederationPreparation.Prepare(Define("ffa-lora", privacy: false).ToModel(), Model, null, CancellationToken.None);
        using var node = new Node(Options("fold"));
        var input = Input(prepared, "fold");
        Assert.Equal(2, node.Train(input, new Seen(), CancellationToken.None).Steps);
        var name = prepared.Definition.Layout.Modules[0].Name;
        var odd = new AdapterState(
            [new AdapterTensor(new AdapterKey(name, Factors.A).Name, [1, 3], new float[3]),
                new AdapterTensor(new AdapterKey(name, Factors.B).Name, [5, 1], new float[5])]);
        Assert.ThrowsAny<Exception>(() => node.Train(input with { Fold = [odd] }, new Seen(), CancellationToken.None));
        Assert.Equal(2, node.Train(input, new Seen(), CancellationToken.None).Steps);
    }

    private static FederationDefinition Define(string method, bool privacy) => new()
    {
        Name = "mail",
        Method = method,
        MethodOptions = new MethodOptions(),
        Rounds = 2,
        Seed = 1,
        Task = new LearningTask { Classification = new Classification { Labels = { "ham", "spam" } } },
        Lora = new LoraSettings { Rank = 2, Alpha = 4, TargetModules = { "query" } },
        Training = new TrainingSettings
        {
            LocalSteps = 2,
            BatchSize = 4,
            Optimizer = "adamw",
            LearningRate = 1e-3,
            MaxTokens = 16,
            Schedule = "constant",
            Dtype = "f32",
        },
        Privacy = privacy ? new PrivacyTerms { Epsilon = 8, Delta = 1e-5, ClipNorm = 1, SamplingRate = 0.5, Accountant = "pld" } : null,
    };

    private RoundInput Input(FederationPreparation prepared, string state) => new(
        Task(prepared.Definition.ToWire(layout: true)),
        prepared.InitialAdapter, [], Directory.CreateDirectory(Path.Combine(_folder.FullName, state, "mail")).FullName, 1, _ => null);

    private static TrainingTask Task(FederationDefinition definition) =>
        new()
        {
            Federation = "mail",
            Round = 1,
            Attempt = 1,
            Definition = definition,
            Rank = 2,
            DensityDown = 1,
            DensityUp = 1,
            Adapter = new AdapterRef(),
        };

    private ClientOptions Options(string state, SitePolicy? policy = null)
    {
        var data = Path.Combine(_folder.FullName, "data.jsonl");
        File.WriteAllLines(data,
            Enumerable.Range(0, 8).Select(i => $"{{\"text\":\"a mail about thing {i}\",\"label\":\"{(i % 2 == 0 ? "ham" : "spam")}\"}}"));
        return new ClientOptions
        {
            Coordinator = "http://127.0.0.1:1",
            Name = "site",
            Model = Model,
            Data = data,
            State = Path.Combine(_folder.FullName, state),
            Policy = policy ?? new SitePolicy(),
        };
    }

    /// <summary>A trainer, and the rules of the site that it trains at.</summary>
    private sealed class Node(ClientOptions options) : IDisposable
    {
        private readonly RoundTrainer _trainer = RoundTrainer.Create(options);
        private readonly NodeLedger _ledger = NodeLedger.Open(options, TimeProvider.System);

        public SiteRules Rules => new(options, _ledger, TimeProvider.System);

        public LedgerReceipt? Receipt { get; private set; }

        public RoundOutput Train(RoundInput input, IProgress<TrainingProgress> progress, CancellationToken cancellationToken) =>
            _trainer.Train(input with { Charge = identities => Receipt = Rules.Charge(input.Task, identities) }, progress,
                cancellationToken);

        public void Dispose()
        {
            _trainer.Dispose();
            _ledger.Dispose();
        }
    }

    private sealed class Seen : IProgress<TrainingProgress>
    {
        public List<TrainingProgress> All { get; } = [];

        public Action? OnReport { get; init; }

        public void Report(TrainingProgress value)
        {
            All.Add(value);
            OnReport?.Invoke();
        }
    }
}
