using System.Security.Cryptography;
using FedLora.Server.Stores;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Providers;
using Orleans.Runtime.Hosting;
using Orleans.Runtime.Placement;
using Orleans.TestingHost;

namespace FedLora.Grains.Tests.Cluster;

/// <summary>
/// Two silos over one storage. The test calls from the second; grains are activated where it says, and the first can be killed.
/// </summary>
internal sealed class TwoSilos : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-silos-");
    private readonly Dictionary<string, string> _nodes = new(StringComparer.Ordinal);
    private readonly SqliteDatabase _database;
    private readonly InProcessTestCluster _cluster;
    private string _firstName = "";
    private InProcessSiloHandle? _first;
    private InProcessSiloHandle? _second;

    private TwoSilos(Life life)
    {
        Life = life;
        _database = new SqliteDatabase(Path.Combine(_folder.FullName, "state.db"));
        var builder = new InProcessTestClusterBuilder(2);
        builder.Options.ConfigureFileLogging = false;
        // The cluster's client too: it knows the same messages.
        builder.ConfigureHost(host => host.Services.AddFedLoraGrains());
        var lives = new Queue<Life>([life, new()]);
        builder.ConfigureSilo((options, silo) =>
        {
            Life own;
            // They start at the same time.
            lock (lives)
                own = lives.Dequeue();
            if (own == life)
                _firstName = options.SiloName;
            silo.Services.AddSingleton(TimeProvider.System);
            silo.Services.AddSingleton<IBlobStore>(new FileBlobStore(_folder.FullName));
            silo.Services.AddGrainStorage(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME,
                (_, _) => new MortalStorage(new(_database), own));
            silo.AddOutgoingGrainCallFilter(call =>
            {
                if (own != life && call.InterfaceMethod.DeclaringType!.Assembly == typeof(IFederationGrain).Assembly)
                {
                    lock (Calls)
                        Calls.Add($"{call.InterfaceMethod.DeclaringType.Name}.{call.InterfaceMethod.Name}");
                }
                return call.Invoke();
            });
            // A killed silo is declared dead in about a second, not in ten.
            silo.Configure<ClusterMembershipOptions>(membership =>
            {
                membership.ProbeTimeout = TimeSpan.FromSeconds(1);
                membership.NumMissedProbesLimit = 2;
                membership.TableRefreshTimeout = TimeSpan.FromSeconds(2);
            });
        });
        _cluster = builder.Build();
    }

    /// <summary>What becomes of the first silo's writes.</summary>
    public Life Life { get; }

    /// <summary>The methods that the second silo has called.</summary>
    public HashSet<string> Calls { get; } = new(StringComparer.Ordinal);

    public SiloAddress First => _first!.SiloAddress;

    public SiloAddress Second => _second!.SiloAddress;

    /// <summary>Calls from the second silo.</summary>
    public IGrainFactory Grains => Service<IGrainFactory>();

    public IEnrolmentGrain Enrolment => Grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key);

    public IRegistryGrain Registry => Grains.GetGrain<IRegistryGrain>(IRegistryGrain.Key);

    public IFederationGrain Federation => Grains.GetGrain<IFederationGrain>("demo");

    public T Service<T>() where T : notnull => _cluster.GetSiloServiceProvider(Second).GetRequiredService<T>();

    public string IdOf(string name) => _nodes[name];

    public INodeGrain Node(string name) => Grains.GetGrain<INodeGrain>(_nodes[name]);

    /// <summary>
    /// Starts both, and a federation of three nodes: registry and federation on the first silo, the nodes where it is said.
    /// </summary>
    public static async Task<TwoSilos> StartAsync(FederationDefinition definition, bool nodesOnSecond, Life? life = null)
    {
        var silos = new TwoSilos(life ?? new());
        await silos._cluster.DeployAsync();
        silos._first = silos._cluster.Silos.Single(silo => silo.Name == silos._firstName);
        silos._second = silos._cluster.Silos.Single(silo => silo.Name != silos._firstName);
        var token = await OnAsync(silos.First, () => silos.Enrolment.CreateTokenAsync(new() { Uses = 4 }, default));
        foreach (var name in new[] { "a", "b", "c" })
        {
            silos._nodes[name] = (await OnAsync(nodesOnSecond ? silos.Second : silos.First,
                () => silos.Enrolment.EnrolAsync(new() { Token = token.Token, Name = name, RequestId = Guid.NewGuid().ToString("N") },
                    default))).NodeId;
        }
        await OnAsync(silos.First, () => silos.Service<FederationCreator>().CreateAsync(definition, null, default));
        await silos.Federation.StartAsync(default);
        return silos;
    }

    /// <summary>A call in which whatever is activated is activated on this silo.</summary>
    public static async Task<T> OnAsync<T>(SiloAddress silo, Func<Task<T>> call)
    {
        RequestContext.Set(IPlacementDirector.PlacementHintKey, silo);
        try
        {
            return await call();
        }
        finally
        {
            RequestContext.Clear();
        }
    }

    /// <summary>Where a grain is active.</summary>
    public async Task<SiloAddress?> PlaceOfAsync(IAddressable grain) =>
        await Grains.GetGrain<IManagementGrain>(0).GetActivationAddress(grain);

    public Task<PollReply> PollAsync(string name) =>
        Node(name).PollAsync(new() { Profile = new() { ModelFingerprints = [Samples.Fingerprint] } }, default);

    /// <summary>Delivers a node's update for its task, if it has one now.</summary>
    public async Task WorkAsync(string name, int seed)
    {
        if ((await PollAsync(name)).Task is not { } task)
            return;
        var bytes = Samples.Update(seed).ToBytes();
        var header = new UpdateHeader
        {
            Federation = "demo",
            Round = task.Round,
            Attempt = task.Attempt,
            NodeId = IdOf(name),
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)),
            Bytes = bytes.Length,
            ExampleCount = 10,
            Steps = 3,
            Loss = 0.5,
        };
        var receiver = Service<UpdateReceiver>();
        var upload = await receiver.BeginAsync(header, default);
        if (upload.Offset < header.Bytes)
            await upload.AppendAsync(bytes.AsMemory((int)upload.Offset), durable: true, default);
        await upload.CompleteAsync(default);
    }

    /// <summary>Kills the first silo: nothing of it is written any more, and nobody is told.</summary>
    public async Task KillFirstAsync()
    {
        Life.Kill();
        await _cluster.KillSiloAsync(_first!);
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        _database.Dispose();
        _folder.Delete(recursive: true);
    }
}
