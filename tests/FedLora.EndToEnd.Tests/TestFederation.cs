using FedLora.Aggregation;
using FedLora.Client.Connection;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.Transfer;
using FedLora.Protocol.V1;
using Grpc.Core;
using static FedLora.Federations.Definitions.DefinitionTerms;

namespace FedLora.EndToEnd.Tests;

/// <summary>A federation over a base model that nobody needs to load, seen by its operator.</summary>
internal sealed class TestFederation : IDisposable
{
    private const int Width = 1024;
    private const uint Rank = 8;

    private readonly CoordinatorConnection _connection;

    private TestFederation(CoordinatorConnection connection, string name) => (_connection, Name) = (connection, name);

    public static string Fingerprint { get; } = new('a', 64);

    public string Name { get; }

    /// <summary>Creates it; an adapter has 64 KiB for each module.</summary>
    /// <param name="addresses">Of a cluster; the coordinator's own if not given.</param>
    public static async Task<TestFederation> CreateAsync(CoordinatorProcess coordinator, uint rounds, int modules, CohortRules cohort,
        string? addresses = null)
    {
        var connection = coordinator.Connect(addresses);
        var definition = new FederationDefinition
        {
            Name = "proof",
            BaseModel = new BaseModel { Fingerprint = Fingerprint, Name = "formula", Architecture = "BertForSequenceClassification" },
            Task = new LearningTask { Classification = new Classification { Labels = { "ham", "spam" } } },
            Method = "fedit",
            MethodOptions = new Protocol.V1.MethodOptions(),
            Lora = new LoraSettings { Rank = Rank, Alpha = 2 * Rank, TargetModules = { "query" } },
            Training = new TrainingSettings
            {
                LocalSteps = 1,
                BatchSize = 1,
                Optimizer = "adamw",
                LearningRate = 1e-3,
                MaxTokens = 8,
                Schedule = "constant",
                Dtype = "f32",
            },
            Cohort = cohort,
            Communication = new Communication(),
            Rounds = rounds,
            Seed = 7,
            Layout = new AdapterLayout(),
        };
        for (var i = 0; i < modules; i++)
            definition.Layout.Modules.Add(new LayoutModule { Name = $"encoder.layer.{i}.query", DOut = Width, DIn = Width });
        var initial = Methods.Get("fedit").Initialize(definition.ToModel().ToLayout(), Aggregation.MethodOptions.Default, 7).ToBytes();
        using var upload = connection.Admin.PutBlob(connection.Options(CancellationToken.None));
        using var bytes = new MemoryStream(initial, writable: false);
        await ChunkSender.SendAsync(bytes, 0, upload.RequestStream.WriteAsync, CancellationToken.None);
        await upload.RequestStream.CompleteAsync();
        var request = new CreateFederationRequest { Definition = definition, InitialAdapter = await upload };
        await connection.Admin.CreateFederationAsync(request, connection.Options(CancellationToken.None, Limits.Step));
        return new TestFederation(connection, definition.Name);
    }

    /// <summary>One that is there already.</summary>
    public static TestFederation Of(CoordinatorProcess coordinator, string name) =>
        new(coordinator.Connect(), name);

    /// <summary>A join token.</summary>
    public async Task<string> TokenAsync(int uses) => (await _connection.Admin.CreateTokenAsync(
        new CreateTokenRequest { Uses = (uint)uses, ValidSeconds = 600 }, _connection.Options(CancellationToken.None, Limits.Step))).Token;

    /// <summary>Nodes that have joined, by one token.</summary>
    public async Task<TestNode[]> EnrolAsync(int count)
    {
        var token = await TokenAsync(count);
        var nodes = new TestNode[count];
        for (var i = 0; i < count; i++) nodes[i] = await TestNode.EnrolAsync(_connection.Url, token, i);
        return nodes;
    }

    /// <summary>All nodes that the coordinator knows.</summary>
    public async Task<IReadOnlyList<NodeView>> NodesAsync() =>
        (await _connection.Admin.ListNodesAsync(new ListNodesRequest(), _connection.Options(CancellationToken.None, Limits.Step))).Nodes;

    public async Task StartAsync() =>
        await _connection.Admin.StartFederationAsync(new FederationName { Name = Name },
            _connection.Options(CancellationToken.None, Limits.Step));

    public Task<FederationView> ShowAsync() => TestNode.RetryAsync(() =>
        _connection.Admin.ShowFederationAsync(new FederationName { Name = Name },
            _connection.Options(CancellationToken.None, Limits.Step)).ResponseAsync);

    /// <summary>Waits, told of every change, until this is so; goes on watching when the coordinator comes back.</summary>
    public Task<FederationView> UntilAsync(Func<FederationView, bool> so) => TestNode.RetryAsync(async () =>
    {
        using var limit = new CancellationTokenSource(Limits.Step);
        using var call = _connection.Admin.WatchFederation(new FederationName { Name = Name }, _connection.Options(limit.Token));
        await foreach (var view in call.ResponseStream.ReadAllAsync(limit.Token))
        {
            if (so(view)) return view;
        }

        throw new InvalidOperationException("the federation ended before what was waited for");
    });

    public async Task<(string Stored, string Replayed)> ReplayAsync(uint round)
    {
        var reply = await _connection.Admin.ReplayRoundAsync(
            new ReplayRoundRequest { Federation = Name, Round = round }, _connection.Options(CancellationToken.None, Limits.Step));
        return (reply.StoredSha256, reply.ReplayedSha256);
    }

    public void Dispose() => _connection.Dispose();
}
