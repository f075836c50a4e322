using FedLora.Client.Hosting;
using FedLora.Client.Ledger;
using FedLora.Privacy.Ledger;
using FedLora.Federations.Definitions;

namespace FedLora.Client.Tests;

/// <summary>What a node's own ledger lets it train, whatever the coordinator thinks.</summary>
public sealed class NodeLedgerTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("fedlora-node-ledger-");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("pld")]
    [InlineData("rdp")]
    public void Every_planned_round_fits_the_federations_epsilon_and_no_further_one_does(string accountant)
    {
        var definition = Define("mail", epsilon: 3, rounds: 5);
        definition = definition with { Privacy = definition.Privacy! with { Accountant = accountant } };
        // The site's limit is the same number: the last planned round must fit it too.
        using var ledger = Open(Lines(3), new SitePolicy { Epsilon = 3 });
        for (var round = 1; round <= 5; round++)
        {
            Assert.Null(ledger.Refuses(definition, round));
            Assert.InRange(ledger.Spend(definition, round).EpsilonSpent, 0.5, 3);
        }
        Assert.Contains("federation's own budget", ledger.Refuses(definition, 6));
        Assert.Equal("privacy-budget-exhausted", Assert.Throws<FedLoraException>(() => ledger.Spend(definition, 6)).Code);
    }

    [Fact]
    public void A_round_that_is_trained_again_is_spent_again()
    {
        var definition = Define("mail", epsilon: 3, rounds: 2);
        using var ledger = Open(Lines(3));
        ledger.Spend(definition, 1);
        var first = ledger.Spend(definition, 2);
        Assert.InRange(first.EpsilonSpent, 2.9, 3);
        Assert.Contains("federation's own budget", ledger.Refuses(definition, 2));
        // A federation made anew under the old name has its own epsilon, but the data set's spending goes on.
        Assert.Null(ledger.Refuses(definition, 1));
        using var limited = Reopen(ledger, new SitePolicy { Epsilon = 3.01 });
        Assert.Contains("its limit is 3.01", limited.Refuses(definition, 1));
    }

    [Fact]
    public void Two_federations_on_one_data_set_compose_and_the_sites_limit_holds()
    {
        using var ledger = Open(Lines(3), new SitePolicy { Epsilon = 3.01 });
        var (one, two) = (Define("one", epsilon: 3, rounds: 1), Define("two", epsilon: 3, rounds: 1));
        ledger.Spend(one, 1);
        Assert.Contains("its limit is 3.01", ledger.Refuses(two, 1));
        Assert.Throws<FedLoraException>(() => ledger.Spend(two, 1));
        var balance = ledger.Balance()!;
        Assert.InRange(balance.SpentEpsilon, 2.9, 3);
        Assert.Equal(3.01, balance.LimitEpsilon);
        Assert.Equal(16ul, Assert.Single(balance.Runs).Steps);
    }

    [Fact]
    public void Renaming_reordering_relabelling_and_growing_the_file_start_no_new_budget()
    {
        var definition = Define("mail", epsilon: 3, rounds: 1);
        using (var ledger = Open(Lines(3)))
            ledger.Spend(definition, 1);
        foreach (var text in new[]
        {
            "{\"label\":\"spam\",\"text\":\"mail 2\"}\n{\"text\":\"mail  0 \",\"label\":\"ham\"}\n{\"text\":\"mail 1\",\"label\":\"ham\"}\n",
            Lines(4),
            "{\"text\":\"mail 2\",\"label\":\"ham\"}\n{\"text\":\"another\",\"label\":\"ham\"}\n",
        })
        {
            using var ledger = Open(text, new SitePolicy { Epsilon = 3.01 }, "renamed.jsonl");
            Assert.InRange(ledger.Balance()!.SpentEpsilon, 2.9, 3);
            Assert.Contains("its limit is 3.01", ledger.Refuses(Define("other", epsilon: 3, rounds: 1), 1));
        }
        using var fresh = Open("{\"text\":\"new\",\"label\":\"ham\"}\n", new SitePolicy { Epsilon = 3.01 });
        Assert.Null(fresh.Refuses(Define("other", epsilon: 3, rounds: 1), 1));
    }

    [Fact]
    public void A_ledger_that_was_edited_stops_the_node_at_its_start()
    {
        using (var ledger = Open(Lines(3)))
            ledger.Spend(Define("mail", epsilon: 3, rounds: 1), 1);
        var file = Path.Combine(folder.FullName, "state", "ledger", "ledger.jsonl");
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"steps\":16", "\"steps\":1", StringComparison.Ordinal));
        Assert.Equal("ledger-damaged", Assert.Throws<FedLoraException>(() => Open(Lines(3))).Code);
    }

    [Fact]
    public void The_sampling_rate_is_stated_never_counted()
    {
        var definition = Define("mail", epsilon: 3, rounds: 1);
        definition = definition with { Privacy = definition.Privacy! with { SamplingRate = 0 } };
        using (var ledger = Open(Lines(3)))
            Assert.Contains("sampling rate is not stated", ledger.Refuses(definition, 1));
        using (var ledger = Open(Lines(3), publicCount: 320))
            Assert.Equal(0.1, ledger.Spend(definition, 1).Run.SamplingRate);
        definition = definition with { Name = "other", PublicCounts = new() { ["site"] = 640 } };
        using (var ledger = Open("{\"text\":\"new\",\"label\":\"ham\"}\n", publicCount: 320))
            Assert.Equal(0.05, ledger.Spend(definition, 1).Run.SamplingRate);
    }

    private static string Lines(int count) => string.Concat(Enumerable.Range(0, count).Select(i => $"{{\"text\":\"mail {i}\",\"label\":\"ham\"}}\n"));

    private static FederationDefinition Define(string name, double epsilon, int rounds) => new()
    {
        Name = name,
        BaseModel = new BaseModelSpec { Fingerprint = "" },
        Task = new TaskSpec { Kind = LearningTask.CausalLanguageModel },
        Method = "fedit",
        Lora = new LoraSpec { Alpha = 8 },
        Layout = new LayoutSpec { Modules = [] },
        Rounds = rounds,
        Training = new TrainingSpec { LocalSteps = 16, BatchSize = 32 },
        Privacy = new PrivacySpec { Epsilon = epsilon, Delta = 1e-5, ClipNorm = 1, SamplingRate = 0.02, Accountant = "pld" },
    };

    private NodeLedger Open(string data, SitePolicy? policy = null, string file = "data.jsonl", long publicCount = 0)
    {
        var path = Path.Combine(folder.FullName, file);
        File.WriteAllText(path, data);
        return NodeLedger.Open(Options(path, policy, publicCount), TimeProvider.System);
    }

    private NodeLedger Reopen(NodeLedger open, SitePolicy policy)
    {
        open.Dispose();
        return NodeLedger.Open(Options(Path.Combine(folder.FullName, "data.jsonl"), policy, 0), TimeProvider.System);
    }

    private ClientOptions Options(string data, SitePolicy? policy, long publicCount) => new()
    {
        Coordinator = "http://127.0.0.1:1",
        Model = "",
        Name = "site",
        Data = data,
        State = Path.Combine(folder.FullName, "state"),
        Policy = policy ?? new SitePolicy(),
        PublicCount = publicCount,
    };
}
