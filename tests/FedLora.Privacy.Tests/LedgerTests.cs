using System.Text;
using FedLora.Privacy.Ledger;
using FedLora.Tests;

namespace FedLora.Privacy.Tests;

public sealed class LedgerTests : IDisposable
{
    private static readonly SampledGaussian Round = new(1, 0.01, 10);
    private static readonly PrivacyLimit None = new(null, 1e-5);
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"fedlora-ledger-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void What_was_spent_is_there_after_a_restart_whatever_the_file_is_called_and_however_it_is_sorted()
    {
        string identity;
        using (var ledger = PrivacyLedger.Open(_folder))
        {
            identity = ledger.Identify(Data, Lines("a", "b", "c"));
            ledger.Spend(identity, Use("mail", 1), Round, 1, None);
        }
        using (var ledger = PrivacyLedger.Open(_folder))
        {
            Assert.Equal(identity, ledger.Identify(Data, Lines("c", "a", "b")));
            Assert.Equal([Round], ledger.Spent(identity));
            // What the name has spent is not less for other data, so that it says nothing of what the file holds.
            Assert.Equal([Round], ledger.Spent(ledger.Identify(Data, Lines("x", "y"))));
            var other = ledger.Identify(Data with { Name = "new" }, Lines("v", "w"));
            Assert.NotEqual(identity, other);
            Assert.Empty(ledger.Spent(other));
        }
    }

    [TinyDiskFact]
    public void A_full_disk_spends_nothing_that_is_not_written_and_the_ledger_goes_on_once_there_is_room()
    {
        using var disk = new TinyDisk("128k");
        var where = Path.Combine(disk.Root, "ledger");
        using (var ledger = PrivacyLedger.Open(where))
        {
            var data = ledger.Identify(Data, Lines("a", "b", "c"));
            ledger.Spend(data, Use("mail", 1), Round, 1, None);
            disk.Fill();
            Exception? full = null;
            for (var round = 2; round < 100 && full is null; round++)
                full = Record.Exception(() => ledger.Spend(data, Use("mail", round), Round, 1, None));
            Assert.True(full is IOException or FedLoraException, $"{full}");
            // Tried again and again, as a node does.
            for (var again = 0; again < 3; again++)
                Assert.NotNull(Record.Exception(() => ledger.Spend(data, Use("mail", 100), Round, 1, None)));
            disk.Free();
            ledger.Spend(data, Use("mail", 101), Round, 1, None);
            Assert.Equal(101, ledger.Entries[^1].Round);
        }

        using var reopened = PrivacyLedger.Open(where);
        Assert.Equal(101, reopened.Entries[^1].Round);
        Assert.DoesNotContain(disk.Files(), name => name.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void Growing_a_data_set_does_not_start_a_new_budget()
    {
        using var ledger = PrivacyLedger.Open(_folder);
        ledger.Spend(ledger.Identify(Data, Lines("a", "b", "c")), Use("mail", 1), Round, 1, None);
        var grown = ledger.Identify(Data, Lines("a", "b", "c", "d"));
        Assert.Equal([Round], ledger.Spent(grown));
        ledger.Spend(grown, Use("mail", 2), Round, 1, None);
        Assert.Equal(2, ledger.Spent(ledger.Identify(Data, Lines("a", "b", "c"))).Count);
    }

    [Fact]
    public void Two_federations_on_one_data_set_compose_and_the_limit_holds()
    {
        using var ledger = PrivacyLedger.Open(_folder);
        var data = ledger.Identify(Data, Lines("a", "b"));
        var limit = new PrivacyLimit(Accountants.Default.Epsilon([Round with { Steps = 25 }], 1e-5).Epsilon, 1e-5);
        var first = ledger.Spend(data, Use("one", 1), Round, 1, limit);
        var second = ledger.Spend(data, Use("two", 1), Round, 1, limit);
        Assert.True(second.EpsilonSpent > first.EpsilonSpent);
        Assert.Equal(Accountants.Default.Epsilon([Round with { Steps = 20 }], 1e-5).Epsilon, second.EpsilonSpent, 1e-4);
        Assert.False(ledger.Ask(data, Round, limit).Fits);
        Assert.Equal("privacy-budget-exhausted",
            Assert.Throws<FedLoraException>(() => ledger.Spend(data, Use("one", 2), Round, 1, limit)).Code);
        Assert.Equal(2, ledger.Entries.Count);
        Assert.True(ledger.Ask(data, Round with { Steps = 4 }, limit).Fits);
    }

    [Fact]
    public void A_second_process_is_refused_and_a_reader_is_not()
    {
        using var ledger = PrivacyLedger.Open(_folder);
        ledger.Spend(ledger.Identify(Data, Lines("a")), Use("mail", 1), Round, 1, None);
        Assert.Equal("ledger-in-use", Assert.Throws<FedLoraException>(() => PrivacyLedger.Open(_folder)).Code);
        using var reader = PrivacyLedger.Read(_folder);
        Assert.Single(reader.Entries);
    }

    [Theory]
    [InlineData("cut the last line")]
    [InlineData("cut the first line")]
    [InlineData("change a number")]
    [InlineData("swap two lines")]
    [InlineData("remove the ledger")]
    [InlineData("remove the head")]
    [InlineData("remove the key")]
    [InlineData("remove all but the key and the head")]
    [InlineData("edit the head")]
    [InlineData("append a forged line")]
    [InlineData("roll the head back by two")]
    [InlineData("remove the data set's record")]
    [InlineData("cut the data set's record")]
    [InlineData("remove ledger and head")]
    [InlineData("remove all but the data sets")]
    [InlineData("remove all but the key")]
    public void A_ledger_that_was_cut_or_edited_does_not_open(string tampering)
    {
        string path = Path.Combine(_folder, "ledger.jsonl"), head = Path.Combine(_folder, "ledger.head"), olderHead = "";
        using (var ledger = PrivacyLedger.Open(_folder))
        {
            for (var round = 1; round <= 3; round++)
            {
                ledger.Spend(ledger.Identify(Data, Lines("a")), Use("mail", round), Round, 1, None);
                if (round == 1)
                    olderHead = File.ReadAllText(head);
            }
        }
        var record = Directory.GetFiles(Path.Combine(_folder, "datasets")).Single();
        var lines = File.ReadAllLines(path);
        switch (tampering)
        {
            case "cut the last line": Write(lines[..2]); break;
            case "cut the first line": Write(lines[1..]); break;
            case "change a number": Write([lines[0], lines[1].Replace("\"steps\":10", "\"steps\":1"), lines[2]]); break;
            case "swap two lines": Write([lines[1], lines[0], lines[2]]); break;
            case "remove the ledger" or "remove all but the key and the head": File.Delete(path); break;
            case "remove the head": File.Delete(head); break;
            case "remove the key": File.Delete(Path.Combine(_folder, "ledger.key")); break;
            case "remove ledger and head": File.Delete(path); File.Delete(head); break;
            case "remove all but the data sets" or "remove all but the key":
                foreach (var file in Directory.GetFiles(_folder)
                    .Where(file => tampering.EndsWith("sets", StringComparison.Ordinal) || Path.GetFileName(file) != "ledger.key"))
                    File.Delete(file);
                if (tampering.EndsWith("key", StringComparison.Ordinal))
                    Directory.Delete(Path.GetDirectoryName(record)!, recursive: true);
                break;
            case "edit the head": File.WriteAllText(head, File.ReadAllText(head).Replace("3 ", "2 ")); break;
            case "roll the head back by two": File.WriteAllText(head, olderHead); break;
            case "remove the data set's record": File.Delete(record); break;
            case "cut the data set's record": File.WriteAllBytes(record, []); break;
            case "append a forged line": Write([.. lines, lines[2].Replace("\"sequence\":3", "\"sequence\":4")]); break;
        }
        Assert.Equal("ledger-damaged", Assert.Throws<FedLoraException>(() => PrivacyLedger.Open(_folder)).Code);
        void Write(string[] content) => File.WriteAllText(path, string.Concat(content.Select(line => line + "\n")));
    }

    [Fact]
    public void A_head_that_was_rolled_back_by_one_forgets_nothing()
    {
        var head = Path.Combine(_folder, "ledger.head");
        string data, older;
        using (var ledger = PrivacyLedger.Open(_folder))
        {
            data = ledger.Identify(Data, Lines("a"));
            ledger.Spend(data, Use("mail", 1), Round, 1, None);
            older = File.ReadAllText(head);
            ledger.Spend(data, Use("mail", 2), Round, 1, None);
        }
        File.WriteAllText(head, older);
        using (var ledger = PrivacyLedger.Open(_folder))
            Assert.Equal(2, ledger.Spent(data).Count);
    }

    [Fact]
    public void Only_data_that_were_never_used_begin_a_budget_under_a_new_name()
    {
        using var ledger = PrivacyLedger.Open(_folder);
        ledger.Spend(ledger.Identify(Data, Lines("a", "b")), Use("mail", 1), Round, 1, None);
        ledger.Spend(ledger.Identify(Data, Lines("c")), Use("mail", 2), Round, 1, None);
        // "a" has left the file, but was used.
        var refusal = Assert.Throws<FedLoraException>(() => ledger.Identify(new DataSetLabel("other", "x.jsonl"), Lines("x", "a")));
        Assert.Equal("data-set-shared", refusal.Code);
        Assert.Contains("data", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(ledger.Spent(ledger.Identify(new DataSetLabel("other", "x.jsonl"), Lines("x"))));
        Assert.Equal(new DataSetLabel("other", "x.jsonl"), ledger.LabelOf(ledger.IdentityOf("other")));
    }

    [Fact]
    public void A_ledger_of_an_older_program_opens_and_its_spending_goes_on()
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Snapshots", "ledger-1"), "*",
            SearchOption.AllDirectories))
        {
            var target = Path.Combine(_folder, Path.GetRelativePath(Path.Combine(AppContext.BaseDirectory, "Snapshots", "ledger-1"), file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
        using var ledger = PrivacyLedger.Open(_folder);
        Assert.Equal(["mail", "mail", "notes"], ledger.Entries.Select(entry => entry.Federation));
        // The first two entries are of a data set with "a" and "b", the third of one with "x".
        var data = ledger.Identify(Data, Lines("b", "c"));
        Assert.Equal(2, ledger.Spent(data).Count);
        ledger.Spend(data, Use("mail", 3), Round, 1, None);
        Assert.Equal(3, ledger.Spent(data).Count);
        Assert.Equal(3, ledger.SpentFor(data, "http://coordinator", "mail").Count);
        Assert.Single(ledger.Spent(ledger.Identify(new DataSetLabel("other", "o.jsonl"), Lines("x"))));
    }

    [Fact]
    public void Every_charge_for_a_federation_counts_whatever_round_it_calls_for()
    {
        using var ledger = PrivacyLedger.Open(_folder);
        var data = ledger.Identify(Data, Lines("a"));
        foreach (var round in new[] { 1, 2, 3, 2, 3, 1 })
            ledger.Spend(data, Use("mail", round), Round, 1, None);
        Assert.Equal(6, ledger.SpentFor(data, "http://coordinator", "mail").Count);
        Assert.Empty(ledger.SpentFor(data, "http://another", "mail"));
    }

    [Fact]
    public void Training_without_privacy_is_recorded_once_and_is_no_spending()
    {
        using var ledger = PrivacyLedger.Open(_folder);
        var data = ledger.Identify(Data, Lines("a"));
        ledger.RecordUnprotected(data, Use("open", 1), None);
        ledger.RecordUnprotected(data, Use("open", 2), None);
        Assert.False(Assert.Single(ledger.UsesOf(data)).IsPrivate);
        Assert.Empty(ledger.Spent(data));
    }

    [Fact]
    public void What_was_spent_by_one_unit_is_not_added_to_what_is_spent_by_another()
    {
        using var ledger = PrivacyLedger.Open(_folder);
        var data = ledger.Identify(Data, Lines("a"));
        ledger.Spend(data, Use("mail", 1) with { Unit = "person" }, Round, 1, None);
        Assert.Equal("privacy-unit-changed",
            Assert.Throws<FedLoraException>(() => ledger.Spend(data, Use("mail", 2), Round, 1, None)).Code);
        ledger.Spend(data, Use("mail", 2) with { Unit = "person" }, Round, 1, None);
    }

    [Fact]
    public void A_statement_is_signed_and_any_change_of_it_shows()
    {
        using var ledger = PrivacyLedger.Open(_folder);
        var receipt = ledger.Spend(ledger.Identify(Data, Lines("a")), Use("mail", 1), Round, 1, new PrivacyLimit(4, 1e-5));
        var text = PrivacyStatement.Write(ledger, null, DateTimeOffset.UnixEpoch);
        var check = PrivacyStatement.Check(text);
        Assert.Equal((1, receipt.EntryHash), (check.Entries, check.Seal));
        Assert.Contains("\"limit_epsilon\":4", text, StringComparison.Ordinal);
        Assert.Equal(check.KeySha256, PrivacyStatement.Check(PrivacyStatement.Write(ledger, null, DateTimeOffset.UnixEpoch)).KeySha256);
        Assert.Equal("statement-invalid",
            Assert.Throws<FedLoraException>(
                () => PrivacyStatement.Check(text.Replace("\"limit_epsilon\":4", "\"limit_epsilon\":3", StringComparison.Ordinal))).Code);
        Assert.Equal("statement-invalid", Assert.Throws<FedLoraException>(() => PrivacyStatement.Check("{}")).Code);
    }

    [Fact]
    public void A_plan_says_how_many_rounds_fit_and_with_how_much_noise_all_would()
    {
        var limit = new PrivacyLimit(1.5, 1e-5);
        var round = new SampledGaussian(1, 0.02, 20);
        var verdict = PrivacyBudget.Plan([new(1.2, 0.02, 50)], round, 100, limit);
        Assert.False(verdict.Fits);
        Assert.True(PrivacyBudget.Plan([new(1.2, 0.02, 50)], round, verdict.Rounds, limit).Fits);
        Assert.False(PrivacyBudget.Plan([new(1.2, 0.02, 50)], round, verdict.Rounds + 1, limit).Fits);
        Assert.True(
            PrivacyBudget.Plan([new(1.2, 0.02, 50)], round with { NoiseMultiplier = verdict.NoiseMultiplier!.Value }, 100, limit).Fits);
        Assert.Contains($"of 100 planned rounds {verdict.Rounds} fit", verdict.Reason);
    }

    /// <summary>A name is the coordinator's; what the weights are is not.</summary>
    [Fact]
    public void A_policy_lists_models_by_fingerprint_or_name()
    {
        var print = new string('a', 64);
        var policy = SitePolicy.Parse($"models: [{print.ToUpperInvariant()}, tiny]\n", "policy.yaml");
        Assert.Null(policy.Refuses("mail", "fedit", "called anything", print, 32, isPrivate: false));
        Assert.Null(policy.Refuses("mail", "fedit", "tiny", new string('b', 64), 32, isPrivate: false));
        Assert.Contains("models", policy.Refuses("mail", "fedit", "other", new string('b', 64), 32, isPrivate: false));
    }

    [Theory]
    [InlineData("8 GiB", 8L << 30)]
    [InlineData("500MB", 500_000_000)]
    [InlineData("1.5 gb", 1_500_000_000)]
    public void A_policy_limits_the_memory_of_a_task(string written, long bytes)
    {
        var policy = SitePolicy.Parse($"memory: {written}\n", "policy.yaml");
        Assert.Null(policy.Refuses((bytes, "all of it")));
        Assert.Equal($"the site's policy allows tasks of {written} of memory, and this one takes about 9 of a kind",
            policy.Refuses((bytes + 1, "9 of a kind")));
        Assert.Contains("is not known", policy.Refuses(null), StringComparison.Ordinal);
        Assert.Null(new SitePolicy().Refuses((long.MaxValue, "")));
        Assert.Null(new SitePolicy().Refuses(null));
    }

    [Fact]
    public void The_policy_is_read_strictly()
    {
        var policy = SitePolicy.Parse("epsilon: 4\ndelta: 1e-6\nmin_batch: 32\nmethods: [ffa-lora, fed-sb]\nhours: 20:00-06:00\n",
            "policy.yaml");
        Assert.Equal(new PrivacyLimit(4, 1e-6), policy.Limit);
        Assert.Null(policy.Refuses("mail", "fed-sb", "any", "", 32, isPrivate: true));
        Assert.Contains("methods", policy.Refuses("mail", "fedit", "any", "", 32, true));
        Assert.Contains("batches", policy.Refuses("mail", "fed-sb", "any", "", 31, true));
        Assert.Contains("--public-count", policy.Refuses("mail", "fed-sb", "any", "", null, true));
        Assert.Contains("differential privacy", policy.Refuses("mail", "fed-sb", "any", "", 32, false));
        Assert.True(policy.IsOpen(new TimeOnly(23, 0)) && policy.IsOpen(new TimeOnly(5, 59)) && !policy.IsOpen(new TimeOnly(6, 0)));
        foreach (var wrong in new[]
        {
            "epsilon: -1",
            "epsilon: 1,5",
            "delta: 0,5",
            "min_batch: 1,000",
            "min_batch: 1.5",
            "epsilon: .nan",
            "delta: 2",
            "epsilonn: 4",
            "hours: all day",
            "memory: 8",
            "memory: 0 GiB",
            "memory: much",
            "min_batch: -1",
            "epsilon: [",
        })
            Assert.Equal("policy-invalid", Assert.Throws<FedLoraException>(() => SitePolicy.Parse(wrong, "policy.yaml")).Code);
    }

    internal static DataSetLabel Data { get; } = new("data", "data.jsonl");

    internal static LedgerUse Use(string federation, int round) => new("http://coordinator", federation, round);

    internal static IEnumerable<ReadOnlyMemory<byte>> Lines(params string[] lines) =>
        lines.Select(line => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(line));
}
