using FedLora.Aggregation;
using FedLora.Client.Hosting;
using FedLora.Client.Ledger;
using FedLora.Client.Trainers;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.V1;
using FedLora.Tests;
using FedLora.Training.Models;
using BaseModel = FedLora.Protocol.V1.BaseModel;

namespace FedLora.Client.Tests;

/// <summary>What a site does not take part in.</summary>
public sealed class SiteTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-client-tests-");

    private static string Model => Path.Combine(Fixtures.Repository, "simulations", "models", "mail-encoder");

    private string Data => Path.Combine(_folder.FullName, "site.jsonl");

    [Fact]
    public void A_federation_over_another_base_model()
    {
        using var trainer = Trainer();
        Assert.Null(trainer.Refuses(Task(Federation())));
        var other = Federation();
        other.BaseModel = new BaseModel { Name = "other", Fingerprint = new string('b', 64) };
        var reason = trainer.Refuses(Task(other))!;
        Assert.Contains("other", reason);
        Assert.Contains(ModelFingerprint.Of(Model), reason);
    }

    [Fact]
    public void A_method_that_this_program_does_not_know()
    {
        using var trainer = Trainer();
        var newer = Federation();
        newer.Method = "of-tomorrow";
        Assert.Contains("of-tomorrow", trainer.Refuses(Task(newer)));
    }

    [Theory]
    [InlineData("methods: [ffa-lora]", "fedit")]
    [InlineData("federations: [other]", "mail")]
    [InlineData("min_batch: 64", "64")]
    [InlineData("require_privacy: true", "privacy")]
    public void What_the_sites_policy_does_not_allow(string policy, string said)
    {
        var file = Path.Combine(_folder.FullName, "site.yaml");
        File.WriteAllText(Path.Combine(_folder.FullName, "policy.yaml"), policy + "\n");
        File.WriteAllText(file, "data: site.jsonl\npolicy: policy.yaml\n");
        var config = ClientConfigFile.Load(file);
        Assert.Equal(Data, config.Data);
        var options = Options(SitePolicy.Load(config.Policy!, [.. Methods.All.Select(method => method.Name)]));
        using var ledger = NodeLedger.Open(options, TimeProvider.System);
        Assert.Contains(said, new SiteRules(options, ledger, TimeProvider.System).Refuses(Task(Federation()), () => null));
    }

    /// <summary>It could state sizes below 0, or sums beyond what a number holds, and be let in by any limit.</summary>
    [Fact]
    public void What_a_coordinator_states_of_a_task_makes_its_memory_no_smaller()
    {
        using var trainer = Trainer();
        var federation = Federation();
        federation.Lora = new LoraSettings { Rank = 4, TargetModules = { "query" } };
        (federation.Rounds, federation.Training.MaxTokens) = (3, 64);
        (federation.Training.Schedule, federation.Training.Optimizer) = ("constant", "adamw");
        federation.Task = new LearningTask { Classification = new Classification { Labels = { "ham", "spam" } } };
        var plain = trainer.MemoryOf(Task(federation))!.Total;
        long Stated(params long[] sizes)
        {
            var task = Task(federation);
            task.Rank = uint.MaxValue;
            task.Fold.Add(new AdapterRef { Parts = { sizes.Select(size => new BlobRef { Size = size }) } });
            return trainer.MemoryOf(task)!.Total;
        }

        Assert.Equal(plain, Stated(long.MinValue, -1));
        Assert.Equal(plain + 2000, Stated(1000, -1_000_000));
        Assert.InRange(Stated(long.MaxValue, long.MaxValue, long.MaxValue), 1L << 60, long.MaxValue);
    }

    /// <summary>A policy that lists a method which does not exist keeps the site out of every federation, and nobody knew why.</summary>
    [Theory]
    [InlineData("methods: [foo]", "there is no method 'foo'; known: fedit, ")]
    [InlineData("methods: [ffa-lora, fedsdv]", "there is no method 'fedsdv'; did you mean 'fedsvd'?")]
    [InlineData("delta: 1e-5\nepsilon: 4,5", "line 2: epsilon: expected a number such as 0.5 or 1e-5, found '4,5'")]
    [InlineData("min_batch: 1_000", "line 1: min_batch: expected a number")]
    [InlineData("forbid_mixing: yess", "line 1: forbid_mixing: The value \"yess\"")]
    [InlineData("epsilom: 4", "line 1: unknown key 'epsilom'; did you mean 'epsilon'?")]
    public void A_policy_names_what_there_is(string policy, string said)
    {
        var file = Path.Combine(_folder.FullName, "policy.yaml");
        File.WriteAllText(file, policy + "\n");
        var error = Assert.Throws<FedLoraException>(() => SitePolicy.Load(file, [.. Methods.All.Select(method => method.Name)]));
        Assert.Equal("policy-invalid", error.Code);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_setting_that_is_not_known_is_named_with_its_line()
    {
        var file = Path.Combine(_folder.FullName, "site.yaml");
        File.WriteAllText(file, "data: site.jsonl\nmodl: base\n");
        var error = Assert.Throws<FedLoraException>(() => ClientConfigFile.Load(file));
        Assert.Equal("yaml-invalid", error.Code);
        Assert.Contains("line 2", error.Message);
        Assert.Contains("modl", error.Message);
    }

    [Fact]
    public void A_model_or_data_that_is_not_there()
    {
        Assert.Equal("data-missing", Assert.Throws<FedLoraException>(() => RoundTrainer.Create(Options())).Code);
        File.WriteAllText(Data, "{}\n");
        var error = Assert.Throws<FedLoraException>(
            () => RoundTrainer.Create(Options() with { Model = Path.Combine(_folder.FullName, "nowhere") }));
        Assert.Contains("nowhere", error.Message);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private RoundTrainer Trainer()
    {
        File.WriteAllText(Data, """{"text":"a","label":"ham"}""");
        return RoundTrainer.Create(Options());
    }

    private ClientOptions Options(SitePolicy? policy = null) =>
        new()
        {
            Coordinator = "http://127.0.0.1:5080",
            Data = Data,
            Model = Model,
            State = _folder.FullName,
            Policy = policy ?? new SitePolicy(),
        };

    private static TrainingTask Task(FederationDefinition federation) => new() { Definition = federation, Round = 1 };

    private static FederationDefinition Federation() => new()
    {
        Name = "mail",
        Method = "fedit",
        BaseModel = new BaseModel { Name = "mail-encoder", Fingerprint = ModelFingerprint.Of(Model) },
        Training = new TrainingSettings { BatchSize = 32 },
    };
}
