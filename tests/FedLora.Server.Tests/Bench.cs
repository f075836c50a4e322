using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Client.Connection;
using FedLora.Client.Hosting;
using FedLora.Client.Rounds;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using FedLora.Server.Hosting;
using FedLora.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using static FedLora.Federations.Definitions.DefinitionTerms;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Server.Tests;

/// <summary>A coordinator on a free loopback port, operators and nodes beside it; all real but the model.</summary>
internal sealed class Bench : IAsyncDisposable
{
    /// <inheritdoc cref="Until.Never"/>
    internal static TimeSpan Never => Until.Never;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-server-tests-");
    private CoordinatorHost? _host;
    private Action<IHostApplicationBuilder>? _configure;
    private Action<ServerOptions>? _options;

    internal string Data => Path.Combine(_folder.FullName, "server");

    internal string Pages => _host!.PagesUrl!;

    internal CoordinatorConnection Operator { get; private set; } = null!;

    /// <param name="prepare">Fills the bench's folder: <c>server</c>, and a folder for each node.</param>
    /// <param name="configure">What its program adds.</param>
    /// <param name="options">Changes how it runs.</param>
    internal static async Task<Bench> StartAsync(Action<string>? prepare = null, Action<IHostApplicationBuilder>? configure = null,
        Action<ServerOptions>? options = null)
    {
        var bench = new Bench { _configure = configure, _options = options };
        prepare?.Invoke(bench._folder.FullName);
        await bench.RestartAsync();
        return bench;
    }

    /// <summary>Stops the coordinator if it runs, and starts it on the same data.</summary>
    /// <param name="meanwhile">Done in between.</param>
    internal async Task RestartAsync(Func<Task>? meanwhile = null)
    {
        var listen = _host?.Url ?? "http://127.0.0.1:0";
        await StopAsync();
        await (meanwhile?.Invoke() ?? Task.CompletedTask);
        var options = new ServerOptions { Data = Data, Listen = listen };
        _options?.Invoke(options);
        _host = await CoordinatorHost.StartAsync(options, _configure, CancellationToken.None);
        Operator = new CoordinatorConnection(_host.Url)
        {
            Credential = (await File.ReadAllTextAsync(AccessTokens.FileOf(Data, Roles.Operator))).Trim(),
        };
    }

    internal async Task<string> TokenAsync(uint uses = 1) =>
        (await Operator.Admin.CreateTokenAsync(new CreateTokenRequest { Uses = uses }, Operator.Options(default))).Token;

    /// <summary>A node that does nothing of itself.</summary>
    internal async Task<EnrolResponse> EnrolAsync() => await Operator.Enrolment.EnrolAsync(
        new EnrolRequest { Token = await TokenAsync(), Name = "a", RequestId = new string('a', 32) });

    /// <summary>A definition with two small modules.</summary>
    internal static FederationDefinition Define(string method, uint rounds, uint nodes) => new()
    {
        Name = "test",
        Method = method,
        MethodOptions = new Wire.MethodOptions(),
        Rounds = rounds,
        Seed = 1,
        BaseModel = new BaseModel { Fingerprint = FakeTrainer.Fingerprint, Name = "tiny" },
        Task = new LearningTask { Classification = new Classification { Labels = { "a", "b" } } },
        Lora = new LoraSettings { Rank = 2, Alpha = 4, TargetModules = { "q" } },
        Training = new TrainingSettings
        {
            LocalSteps = 1,
            BatchSize = 1,
            Optimizer = "adamw",
            LearningRate = 1e-3,
            MaxTokens = 16,
            Schedule = "constant",
            Dtype = "auto",
        },
        Cohort = new CohortRules { Size = nodes, MinNodes = nodes, DeadlineSeconds = 600 },
        Layout = new Wire.AdapterLayout
        {
            Modules = { new LayoutModule { Name = "l.0.q", DOut = 6, DIn = 5 }, new LayoutModule { Name = "l.1.q", DOut = 6, DIn = 5 } },
        },
    };

    /// <summary>Creates and starts a federation; the coordinator makes the first adapter itself.</summary>
    internal Task StartFederationAsync(FederationDefinition definition) => StartFederationAsync(definition, First(definition));

    /// <summary>Creates and starts a federation from an adapter.</summary>
    internal Task StartFederationAsync(FederationDefinition definition, AdapterState first) =>
        StartFederationAsync(Operator, definition, first);

    /// <inheritdoc cref="StartFederationAsync(FederationDefinition, AdapterState)"/>
    internal static async Task StartFederationAsync(CoordinatorConnection by, FederationDefinition definition, AdapterState first)
    {
        using var upload = by.Admin.PutBlob(by.Options(default));
        await upload.RequestStream.WriteAsync(new Chunk { Data = Google.Protobuf.ByteString.CopyFrom(first.ToBytes()) });
        await upload.RequestStream.CompleteAsync();
        await by.Admin.CreateFederationAsync(
            new CreateFederationRequest { Definition = definition, InitialAdapter = await upload.ResponseAsync }, by.Options(default));
        await by.Admin.StartFederationAsync(new FederationName { Name = definition.Name }, by.Options(default));
    }

    /// <summary>A federation's first adapter, as the coordinator would make it.</summary>
    internal static AdapterState First(FederationDefinition definition) => Methods.Get(definition.Method)
        .Initialize(definition.ToModel().ToLayout(), definition.ToModel().ToMethodOptions(), definition.Seed);

    /// <summary>Runs a node until cancelled.</summary>
    internal async Task RunNodeAsync(string name, string token, IRoundTrainer trainer, CancellationToken cancellationToken,
        string group = "", string data = "", SitePolicy? policy = null, string? url = null, string? called = null,
        Action<ILoggingBuilder>? logging = null)
    {
        var options = new ClientOptions
        {
            Coordinator = url ?? _host!.Url,
            Data = data,
            Model = "",
            State = StateOf(name),
            Token = token,
            Name = called ?? name,
            Group = group,
            Policy = policy ?? new SitePolicy(),
        };
        await RunNodeAsync(options, cancellationToken, services => services.AddSingleton(trainer).AddLogging(logging ?? (_ => { })));
    }

    /// <summary>The same with all that a site sets, and the trainer that it then has.</summary>
    internal static async Task RunNodeAsync(ClientOptions options, CancellationToken cancellationToken,
        Action<IServiceCollection>? configure = null)
    {
        var services = new ServiceCollection();
        configure?.Invoke(services);
        await using var node = services
            .AddSingleton(new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(200), new Random(1)))
            .AddFedLoraNode(options)
            .BuildServiceProvider();
        try
        {
            await node.GetRequiredService<NodeDaemon>().RunAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // How a node ends.
        }
    }

    /// <summary>The state folder of a node.</summary>
    internal string StateOf(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>A blob as its operator fetches it.</summary>
    internal async Task<AdapterState> FetchAsync(Wire.AdapterRef adapter)
    {
        using var call = Operator.Admin.GetBlob(new GetBlobRequest { Sha256 = adapter.Sha256 }, Operator.Options(default));
        var bytes = new List<byte>();
        while (await call.ResponseStream.MoveNext(default))
            bytes.AddRange(call.ResponseStream.Current.Data);
        return AdapterState.FromBytes([.. bytes]);
    }

    /// <summary>Waits, told of every change, until the federation is as asked for.</summary>
    internal async Task<FederationView> UntilAsync(Func<FederationView, bool> isSo, string federation = "test")
    {
        using var limit = new CancellationTokenSource(Never);
        using var watch = Operator.Admin.WatchFederation(new FederationName { Name = federation }, Operator.Options(limit.Token));
        while (await watch.ResponseStream.MoveNext(limit.Token))
        {
            if (isSo(watch.ResponseStream.Current))
                return watch.ResponseStream.Current;
        }
        throw new InvalidOperationException("The federation ended otherwise.");
    }

    /// <summary>The global adapter after a round of the federation <c>test</c>, as an operator fetches it.</summary>
    internal async Task<AdapterState> AdapterAsync(uint round)
    {
        var export = await Operator.Admin.ExportAdapterAsync(new ExportAdapterRequest { Federation = "test", Round = round },
            Operator.Options(default));
        using var call = Operator.Admin.GetBlob(new GetBlobRequest { Sha256 = export.Adapter.Sha256 }, Operator.Options(default));
        using var bytes = new MemoryStream();
        while (await call.ResponseStream.MoveNext(default))
            call.ResponseStream.Current.Data.WriteTo(bytes);
        return AdapterState.FromBytes(bytes.ToArray(), "the adapter");
    }

    /// <summary>Waits until a node of this name is enrolled and has polled.</summary>
    internal Task UntilEnrolledAsync(string name) => Until.SoAsync($"node {name} polls", async () =>
        (await Operator.Admin.ListNodesAsync(new ListNodesRequest(), Operator.Options(default))).Nodes
            .Any(node => node.Name == name && node.Online));

    /// <summary>A folder of the test's own.</summary>
    internal string Scratch(string name) => Path.Combine(_folder.FullName, name);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _folder.Delete(recursive: true);
    }

    /// <param name="disconnect">Whether the operator hangs up before.</param>
    internal async Task StopAsync(bool disconnect = true)
    {
        if (_host is null)
            return;
        if (disconnect)
            Operator.Dispose();
        await _host.DisposeAsync();
        _host = null;
    }
}
