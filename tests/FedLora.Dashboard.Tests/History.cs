using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using FedLora.Federations.Definitions;
using FedLora.Federations.Rounds;
using FedLora.Federations.Updates;
using FedLora.Grains.Blobs;
using FedLora.Grains.Enrolment;
using FedLora.Grains.Federations;
using FedLora.Grains.Nodes;
using FedLora.Grains.Registry;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;
using FedLora.Server.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Providers;
using Orleans.Storage;

namespace FedLora.Dashboard.Tests;

/// <summary>What months of federations leave in a coordinator's store, written there in a moment.</summary>
/// <param name="Federations">How many, each with the same rounds.</param>
/// <param name="Rounds">Of each.</param>
/// <param name="Nodes">Enrolled; each round takes <paramref name="Cohort"/> of them in turn.</param>
/// <param name="Cohort">Of a round.</param>
internal sealed record History(int Federations, int Rounds, int Nodes, int Cohort)
{
    internal const double Sigma = 1.1, Rate = 0.01, Delta = 1e-5, Limit = 4, ClipNorm = 1;
    internal const int Steps = 8;
    internal static readonly DateTimeOffset Start = new(2026, 3, 1, 8, 0, 0, TimeSpan.Zero);

    internal static string NodeName(int node) => $"site-{node + 1:000}";

    internal static string FederationName(int federation) => $"mail-{federation + 1:00}";

    internal static string DataSet(int node) => Hex($"data of {node}");

    /// <summary>What a node's data set has spent after so many rounds, as a quick accountant says it.</summary>
    internal static double SpentAfter(int receipts) =>
        Spent.GetOrAdd(receipts, static count => Rdp.Epsilon([new SampledGaussian(Sigma, Rate, (long)count * Steps)], Delta).Epsilon);

    private static readonly IAccountant Rdp = Accountants.Get("rdp");
    private static readonly ConcurrentDictionary<int, double> Spent = new();

    /// <summary>Writes it into a data folder in which no coordinator runs.</summary>
    internal async Task WriteAsync(string folder)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(TimeProvider.System);
        CoordinatorSilo.Add(builder, Directory.CreateDirectory(folder).FullName);
        using var host = builder.Build();
        await host.StartAsync();
        var grains = host.Services.GetRequiredService<IGrainFactory>();
        var store = host.Services.GetRequiredKeyedService<IGrainStorage>(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME);
        var blobs = host.Services.GetRequiredService<IBlobStore>();
        await PutAsync(store, "registry", grains.GetGrain<IRegistryGrain>(IRegistryGrain.Key), Registry());
        await PutAsync(store, "enrolment", grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key), Enrolment());
        for (var node = 0; node < Nodes; node++)
            await WriteNodeAsync(store, grains, node);
        for (var federation = 0; federation < Federations; federation++)
            await WriteAsync(store, blobs, grains, federation);
        await host.StopAsync();
    }

    private static string NodeId(int node) => Hex($"node {node}")[..32];

    private static string Hex(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static DateTimeOffset At(int federation, int round) => Start.AddHours(round * 4).AddMinutes(federation);

    private static Task PutAsync<T>(IGrainStorage store, string name, IAddressable grain, T state)
        where T : new() => store.WriteStateAsync(name, grain.GetGrainId(), new GrainState<T>(state));

    private IEnumerable<int> CohortOf(int federation, int round) =>
        Enumerable.Range(0, Cohort).Select(i => (federation * 7 + round * Cohort + i) % Nodes).Distinct();

    private EnrolmentRecord Enrolment() => new()
    {
        Nodes = Enumerable.Range(0, Nodes).ToDictionary(NodeId, node =>
            new NodeRegistration { Name = NodeName(node), RequestId = Hex($"request {node}")[..32], TokenHash = Hex("token") }),
    };

    private RegistryRecord Registry() => new()
    {
        Federations = Enumerable.Range(0, Federations).ToDictionary(FederationName, federation => new FederationEntry
        {
            Name = FederationName(federation),
            State = FederationState.Finished,
            CreatedAt = Start,
        }),
    };

    private async Task WriteNodeAsync(IGrainStorage store, IGrainFactory grains, int node)
    {
        var (ledger, size) = (Ledger(node), NodeRecord.PageSize);
        var paged = Math.Max(0, (ledger.Count / size) - 1);
        for (var page = 0; page < paged; page++)
        {
            await PutAsync(store, "ledger", grains.GetGrain<ILedgerPageGrain>(LedgerPageGrain.Key(NodeId(node), page)),
                new LedgerPage { Entries = ledger.GetRange(page * size, size) });
        }

        await PutAsync(store, "node", grains.GetGrain<INodeGrain>(NodeId(node)), new NodeRecord
        {
            Name = NodeName(node),
            EnrolledAt = Start,
            CredentialHash = Hex("credential"),
            Ledger = ledger[(paged * size)..],
            Pages = paged,
            Spent = ledger.Aggregate(new List<DataSetSpending>(), DataSetSpending.Add),
            Receipted = ledger.Count,
        });
    }

    private List<LedgerMirrorEntry> Ledger(int node)
    {
        var ledger = new List<LedgerMirrorEntry>();
        for (var round = 1; round <= Rounds; round++)
        {
            for (var federation = 0; federation < Federations; federation++)
            {
                if (CohortOf(federation, round).Contains(node))
                    ledger.Add(new()
                    {
                        Federation = FederationName(federation),
                        Round = round,
                        At = At(federation, round),
                        Receipt = Receipt(node, ledger.Count + 1)
                    });
            }
        }

        return ledger;
    }

    private static LedgerReceipt Receipt(int node, int place) => new()
    {
        NoiseMultiplier = Sigma,
        SamplingRate = Rate,
        Steps = Steps,
        ClipNorm = ClipNorm,
        Delta = Delta,
        EpsilonSpent = SpentAfter(place),
        EpsilonLimit = Limit,
        DataSet = DataSet(node),
        EntryHash = Hex($"entry {node} {place}"),
        EntrySequence = place,
    };

    private async Task WriteAsync(IGrainStorage store, IBlobStore blobs, IGrainFactory grains, int federation)
    {
        var name = FederationName(federation);
        var adapter = new AdapterRef { Sha256 = Hex("adapter"), Bytes = 1_200_000 };
        var rounds = new List<RoundSummary>();
        for (var round = 1; round <= Rounds; round++)
        {
            // Every record is a file and an fsync: only those that a page reads are written.
            var record = federation == 0
                && round > Rounds - 64 ? await blobs.PutJsonAsync(Record(name, federation, round, adapter), default)
                    : Hex($"record {name} {round}");
            rounds.Add(new RoundSummary
            {
                Round = round,
                Attempt = 1,
                Adapter = adapter,
                Record = record,
                Updates = Cohort,
                BytesUp = Cohort * 300_000L,
                Quorum = Cohort,
                OpenedAt = At(federation, round),
                CommittedAt = At(federation, round).AddMinutes(12),
                ServerMs = 40,
                AggregationError = 0.01,
            });
        }

        var paged = Math.Max(0, rounds.Count / FederationStanding.PageSize - 1);
        for (var page = 0; page < paged; page++)
        {
            await PutAsync(store, "history", grains.GetGrain<IHistoryPageGrain>(HistoryPageGrain.Key(name, page)),
                new HistoryPage { Rounds = rounds.GetRange(page * FederationStanding.PageSize, FederationStanding.PageSize) });
        }

        var standing = new FederationStanding
        {
            Definition = Definition(name),
            State = FederationState.Finished,
            Reason = "all rounds are done",
            CreatedAt = Start,
            Adapter = adapter,
            Paged = paged * FederationStanding.PageSize,
            Recent = [.. rounds.Skip(paged * FederationStanding.PageSize)],
            Privacy = [.. Enumerable.Range(0, Nodes).Select(node =>
                new NodePrivacy { NodeId = NodeId(node), Node = NodeName(node), SamplingRate = Rate, NoiseMultiplier = Sigma,
                    PlannedEpsilon = 2, Rounds = 3, SpentEpsilon = 2, LimitEpsilon = Limit, Delta = Delta })],
            Round = new RoundProgress { Round = Rounds + 1, SamplingSince = Start },
        };
        await PutAsync(store, "federation", grains.GetGrain<IFederationGrain>(name),
            new FederationRow { Format = FederationRow.PresentFormat, Standing = standing });
    }

    private RoundRecord Record(string name, int federation, int round, AdapterRef adapter) => new()
    {
        Federation = name,
        Round = round,
        Attempt = 1,
        Before = adapter,
        After = adapter,
        Cohort = [.. CohortOf(federation, round).Select(NodeId)],
        Updates = [.. CohortOf(federation, round).Select(node => new StoredUpdate
        {
            Header = new UpdateHeader { Federation = name, Round = round, Attempt = 1, NodeId = NodeId(node),
                Sha256 = Hex($"update {node} {round}"), Bytes = 300_000, Steps = Steps, TrainSeconds = 30
                    + node, Receipt = Receipt(node, round) },
            Weight = 1, ReceivedAt = At(federation, round).AddMinutes(node), Rank = 8,
        })],
        Excluded =
            [new ExcludedNode { NodeId = NodeId(round % Nodes), Name = NodeName(round % Nodes),
                Reason = "one more round would bring the data set to epsilon 4.01 at delta 1e-5; its limit is 4" }],
    };

    private static FederationDefinition Definition(string name) => new()
    {
        Name = name,
        BaseModel = new() { Fingerprint = Hex("model"), Name = "mail-encoder" },
        Task = new() { Kind = LearningTask.Classification, Labels = ["ham", "spam"] },
        Method = "fedit",
        Lora = new() { Rank = 8, Alpha = 8, TargetModules = ["query", "value"] },
        Layout = new()
        {
            Modules = [new ModuleSpec { Name = "layer.query", DOut = 6, DIn = 5 },
            new ModuleSpec { Name = "layer.value", DOut = 4, DIn = 5 }]
        },
        Training = new() { LocalSteps = Steps },
        Privacy = new() { Epsilon = 4, Delta = Delta, ClipNorm = ClipNorm, SamplingRate = Rate },
        Rounds = 500,
        Cohort = new(),
    };
}
