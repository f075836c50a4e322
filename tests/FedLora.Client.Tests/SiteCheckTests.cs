using System.Text.RegularExpressions;
using FedLora.Client.Hosting;
using FedLora.Client.Ledger;
using FedLora.Federations.Definitions;
using FedLora.Privacy.Ledger;
using FedLora.Training.Data;

namespace FedLora.Client.Tests;

/// <summary>What a site is told of its budget before it takes part.</summary>
public sealed partial class SiteCheckTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-site-check-");

    [Fact]
    public async Task No_less_is_told_than_was_spent_nor_more_than_is_left()
    {
        var all = new List<double>();
        for (var round = 1; round <= 4; round++)
        {
            var spent = Spend(round);
            all.Add(spent);
            // A limit with more digits than are shown, above and below what was spent.
            var limit = spent + 0.33335;
            var roomy = await BudgetAsync(limit);
            Assert.True(roomy.Ready, roomy.Says);
            var (shown, left) = Numbers(roomy.Says);
            Assert.InRange(shown, spent - 1e-12, spent + 1e-4);
            Assert.InRange(left, limit - spent - 1e-4, limit - spent + 1e-12);
            limit = spent - 0.00002;
            var over = await BudgetAsync(limit);
            Assert.False(over.Ready, over.Says);
            Assert.InRange(Numbers(over.Says).Second, limit - 1e-4, limit);
        }
        // Some of them the nearest would have made less.
        Assert.Contains(all, spent => Math.Round(spent, 4) < spent);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private double Spend(int round)
    {
        var options = Options(null);
        File.WriteAllText(options.Data, """{"text":"mail","label":"ham"}""" + "\n");
        using var ledger = NodeLedger.Open(options, TimeProvider.System);
        var identities = DataFile.Read(options.Data, new DataSettings(TextTask.CausalLanguageModelling, 0, [], BadLines.Skip),
            TestContext.Current.CancellationToken).Identities;
        return ledger.Charge(Definition, round, identities)!.EpsilonSpent;
    }

    private async Task<SiteFinding> BudgetAsync(double limit) =>
        (await new SiteCheck(Options(limit), TimeProvider.System).RunAsync(TestContext.Current.CancellationToken))
            .Single(finding => finding.Part == "budget");

    private static (double First, double Second) Numbers(string says)
    {
        var numbers = Decimal().Matches(says).Select(match => double.Parse(match.Value)).ToList();
        return (numbers[0], numbers[^1]);
    }

    private ClientOptions Options(double? limit) => new()
    {
        // Nothing listens on the first port (tcpmux, RFC 1078).
        Coordinator = "http://127.0.0.1:1",
        Model = _folder.FullName,
        Data = Path.Combine(_folder.FullName, "data.jsonl"),
        State = Path.Combine(_folder.FullName, "node"),
        Policy = new SitePolicy { Epsilon = limit },
    };

    private static FederationDefinition Definition => new()
    {
        Name = "mail",
        BaseModel = new BaseModelSpec { Fingerprint = "" },
        Task = new TaskSpec { Kind = LearningTask.CausalLanguageModel },
        Method = "fedit",
        Lora = new LoraSpec { Alpha = 8 },
        Layout = new LayoutSpec { Modules = [] },
        Rounds = 4,
        Training = new TrainingSpec { LocalSteps = 16, BatchSize = 32 },
        Privacy = new PrivacySpec { Epsilon = 2.7, Delta = 1e-5, ClipNorm = 1, SamplingRate = 0.02 },
    };

    [GeneratedRegex(@"(?<= )[0-9]+\.[0-9]+")]
    private static partial Regex Decimal();
}
