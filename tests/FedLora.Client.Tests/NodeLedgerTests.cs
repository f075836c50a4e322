using System.Security.Cryptography;
using System.Text;
using FedLora.Client.Hosting;
using FedLora.Client.Ledger;
using FedLora.Federations.Definitions;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;
using FedLora.Training.Data;
using PrivacyBalance = FedLora.Protocol.V1.PrivacyBalance;

namespace FedLora.Client.Tests;

/// <summary>What a node's own ledger lets it train, whatever the coordinator thinks.</summary>
public sealed class NodeLedgerTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-node-ledger-");
    private string _newest = "";

    public void Dispose() => _folder.Delete(recursive: true);

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
            Assert.InRange(Spend(ledger, definition, round).EpsilonSpent, 0.5, 3);
        }
        Assert.Contains("federation's own budget", ledger.Refuses(definition, 6));
        Assert.Equal("privacy-budget-exhausted", Assert.Throws<FedLoraException>(() => Spend(ledger, definition, 6)).Code);
    }

    [Fact]
    public void A_round_that_is_trained_again_is_spent_again()
    {
        var definition = Define("mail", epsilon: 3, rounds: 2);
        using var ledger = Open(Lines(3));
        Spend(ledger, definition, 1);
        var first = Spend(ledger, definition, 2);
        Assert.InRange(first.EpsilonSpent, 2.9, 3);
        Assert.Contains("federation's own budget", ledger.Refuses(definition, 2));
        // A coordinator that was put back to an earlier round, or a federation made anew under the old name, gets no second epsilon.
        Assert.Contains("federation's own budget", ledger.Refuses(definition, 1));
        using var limited = Reopen(ledger, new SitePolicy { Epsilon = 3.01 });
        Assert.Contains("its limit is 3.01", limited.Refuses(Define("another", epsilon: 3, rounds: 2), 1));
    }

    [Fact]
    public void Two_federations_on_one_data_set_compose_and_the_sites_limit_holds()
    {
        using var ledger = Open(Lines(3), new SitePolicy { Epsilon = 3.01 });
        var (one, two) = (Define("one", epsilon: 3, rounds: 1), Define("two", epsilon: 3, rounds: 1));
        Spend(ledger, one, 1);
        Assert.Contains("its limit is 3.01", ledger.Refuses(two, 1));
        Assert.Throws<FedLoraException>(() => Spend(ledger, two, 1));
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
            Spend(ledger, definition, 1);
        foreach (var text in new[]
        {
            "{\"label\":\"spam\",\"text\":\"mail 2\"}\n{\"text\":\"mail  0 "
                + "\",\"label\":\"ham\"}\n{\"text\":\"mail 1\",\"label\":\"ham\"}\n",
            Lines(4),
            "{\"text\":\"mail 2\",\"label\":\"ham\"}\n{\"text\":\"another\",\"label\":\"ham\"}\n",
            "{\"prompt\":\"mail 0\",\"completion\":\"ham\"}\n",
            "{\"text\":\"new\",\"label\":\"ham\"}\n",
        })
        {
            using var ledger = Open(text, new SitePolicy { Epsilon = 3.01 }, "renamed.jsonl");
            Assert.InRange(ledger.Balance()!.SpentEpsilon, 2.9, 3);
            Assert.Contains("its limit is 3.01", ledger.Refuses(Define("other", epsilon: 3, rounds: 1), 1));
        }
    }

    [Theory]
    [InlineData("{\"prompt\":\"a mail that is long enough to be known by\",\"completion\":\"ham\"}")]
    [InlineData("{\"text\":\"a mail that is long enough to be known by\",\"label\":\"ham\",\"prompt\":\"unused\",\"completion\":\"too\"}")]
    [InlineData("{\"prompt\":\"Is this spam?\",\"completion\":\"a mail that is  long enough to be known by\"}")]
    public void An_example_in_another_format_is_the_same_example_and_begins_no_budget_under_a_new_name(string line)
    {
        using (var ledger = Open("{\"text\":\"a mail that is long enough to be known by\",\"label\":\"ham\"}\n"))
            Spend(ledger, Define("mail", epsilon: 3, rounds: 1), 1);
        using var renamed = Open(line + "\n", dataSet: "other");
        Assert.Equal("data-set-shared",
            Assert.Throws<FedLoraException>(() => Spend(renamed, Define("other", epsilon: 3, rounds: 1), 1)).Code);
    }

    [Fact]
    public void What_is_told_and_refused_does_not_depend_on_what_the_file_holds()
    {
        var policy = new SitePolicy { Epsilon = 3.01 };
        using (var ledger = Open(Lines(3), policy))
            Spend(ledger, Define("mail", epsilon: 3, rounds: 1), 1);
        var seen = new HashSet<(PrivacyBalance?, string?)>();
        foreach (var text in new[]
        {
            Lines(3),
            Lines(2),
            "{\"text\":\"new\",\"label\":\"ham\"}\n",
            "{\"text\":\"new\",\"label\":\"ham\"}\n" + Lines(1),
        })
        {
            using var ledger = Open(text, policy);
            seen.Add((ledger.Balance(), ledger.Refuses(Define("other", epsilon: 3, rounds: 1), 1)));
        }
        Assert.Single(seen);
    }

    [Fact]
    public void A_ledger_that_knew_system_prompts_still_knows_its_examples_and_takes_others_of_the_same_prompt()
    {
        const string System = "You are the helpful assistant of a shop.";
        const string Words = "what somebody asked one day in spring";
        // What was made of a conversation before: its long texts, the system's too, and all of them together, by their roles and contents.
        string[] texts = ["system", System, "user", Words, "assistant", "ok"];
        ReadOnlyMemory<byte>[] before = [.. new[] { System, Words, string.Join(' ', OrderedAsFields(texts)) }
            .Select(text => (ReadOnlyMemory<byte>)SHA256.HashData(Encoding.UTF8.GetBytes(text)))];
        using (var ledger = Open(Line(Words)))
            ledger.Charge(Define("mail", epsilon: 3, rounds: 1), 1, before);
        Assert.Subset(before.Select(hash => Convert.ToHexString(hash.Span)).ToHashSet(),
            Identities().Select(hash => Convert.ToHexString(hash.Span)).ToHashSet());
        using (var known = Open(Line(Words), dataSet: "other"))
            Assert.Equal("data-set-shared",
                Assert.Throws<FedLoraException>(() => Spend(known, Define("mail", epsilon: 3, rounds: 1), 1)).Code);
        using var another = Open(Line("what another one asked on another day"), dataSet: "another");
        Assert.NotNull(Spend(another, Define("mail two", epsilon: 3, rounds: 1), 1));

        // By field: "content" before "role".
        static IEnumerable<string> OrderedAsFields(string[] turns) => turns.Chunk(2).SelectMany(turn => turn.Reverse());

        static string Line(string words) => $$"""
            {"messages":[{"role":"system","content":"{{System}}"},{"role":"user","content":"{{words}}"},
            """ + """{"role":"assistant","content":"ok"}]}""" + "\n";
    }

    [Fact]
    public void A_file_that_was_replaced_with_its_time_and_length_kept_is_charged_for_what_it_holds()
    {
        using var ledger = Open("{\"text\":\"the first mail, of some length\",\"label\":\"ham\"}\n");
        var path = Path.Combine(_folder.FullName, "data.jsonl");
        var time = File.GetLastWriteTimeUtc(path);
        Spend(ledger, Define("mail", epsilon: 3, rounds: 1), 1);
        File.WriteAllText(path, "{\"text\":\"another mail, as long a one.\",\"label\":\"ham\"}\n");
        File.SetLastWriteTimeUtc(path, time);
        Spend(ledger, Define("mail two", epsilon: 3, rounds: 1), 1);
        using var other = Reopen(ledger, new SitePolicy(), "other");
        File.WriteAllText(path, "{\"text\":\"another mail, as long a one.\",\"label\":\"ham\"}\n");
        Assert.Equal("data-set-shared",
            Assert.Throws<FedLoraException>(() => Spend(other, Define("third", epsilon: 3, rounds: 1), 1)).Code);
    }

    [Fact]
    public void Data_used_without_privacy_are_said_to_be_and_a_policy_may_forbid_both()
    {
        var open = Define("open", epsilon: 3, rounds: 1) with { Privacy = null };
        using (var ledger = Open(Lines(3)))
        {
            Assert.Null(ledger.Charge(open, 1, Identities()));
            Assert.True(ledger.Balance()!.UsedWithoutPrivacy);
            Assert.Null(ledger.Refuses(Define("mail", epsilon: 3, rounds: 1), 1));
        }
        using var strict = Open(Lines(3), new SitePolicy { ForbidMixing = true });
        Assert.Contains("used without it", strict.Refuses(Define("mail", epsilon: 3, rounds: 1), 1));
        Assert.Null(strict.Refuses(open, 2));
    }

    [Fact]
    public void A_ledger_that_was_edited_stops_the_node_at_its_start()
    {
        using (var ledger = Open(Lines(3)))
            Spend(ledger, Define("mail", epsilon: 3, rounds: 1), 1);
        var file = Path.Combine(_folder.FullName, "state", "ledger", "ledger.jsonl");
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
            Assert.Equal(0.1, Spend(ledger, definition, 1).Run.SamplingRate);
        definition = definition with { Name = "other", PublicCounts = new() { ["site"] = 640 } };
        using (var ledger = Open(Lines(3), publicCount: 320))
            Assert.Equal(0.05, Spend(ledger, definition, 1).Run.SamplingRate);
    }

    /// <summary>The task's sigma is used as it came, to the last digit, and only if it keeps the federation's own epsilon.</summary>
    [Fact]
    public void Sigma_comes_with_the_task_and_is_checked_here()
    {
        var enough = Math.BitIncrement(1.001 * Calibration.NoiseMultiplier(Accountants.Default, 3, 1e-5, 0.02, 32));
        FederationDefinition With(string name, double sigma) =>
            Define(name, epsilon: 3, rounds: 2) is var definition
                ? definition with { Privacy = definition.Privacy! with { NoiseMultiplier = sigma } } : definition;
        using var ledger = Open(Lines(3));
        Assert.Equal(enough, Spend(ledger, With("mail", enough), 1).Run.NoiseMultiplier);
        Assert.Contains("own budget", ledger.Refuses(With("greedy", enough / 4), 1), StringComparison.Ordinal);
    }

    private static string Lines(int count) =>
        string.Concat(Enumerable.Range(0, count).Select(i => $"{{\"text\":\"mail {i}\",\"label\":\"ham\"}}\n"));

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

    private LedgerReceipt Spend(NodeLedger ledger, FederationDefinition definition, int round) =>
        ledger.Charge(definition, round, Identities())!;

    // As a round reads them: all lines, in one pass.
    private IReadOnlyList<ReadOnlyMemory<byte>> Identities() =>
        DataFile.Read(_newest, new DataSettings(TextTask.CausalLanguageModelling, 0, [], BadLines.Skip), CancellationToken.None).Identities;

    private NodeLedger Open(string data, SitePolicy? policy = null, string file = "data.jsonl", long publicCount = 0,
        string dataSet = "data")
    {
        _newest = Path.Combine(_folder.FullName, file);
        File.WriteAllText(_newest, data);
        return NodeLedger.Open(Options(_newest, policy, publicCount, dataSet), TimeProvider.System);
    }

    private NodeLedger Reopen(NodeLedger open, SitePolicy policy, string dataSet = "data")
    {
        open.Dispose();
        return NodeLedger.Open(Options(Path.Combine(_folder.FullName, "data.jsonl"), policy, 0, dataSet), TimeProvider.System);
    }

    private ClientOptions Options(string data, SitePolicy? policy, long publicCount, string dataSet) => new()
    {
        Coordinator = "http://127.0.0.1:1",
        Model = "",
        Name = "site",
        Data = data,
        State = Path.Combine(_folder.FullName, "state"),
        Policy = policy ?? new SitePolicy(),
        PublicCount = publicCount,
        DataSet = dataSet,
    };
}
