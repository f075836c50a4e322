using System.Security.Cryptography;
using FedLora.Adapters;
using FedLora.Server.Hosting;
using FedLora.Server.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Orleans.Providers;
using Orleans.Storage;

namespace FedLora.Grains.Tests;

/// <summary>
/// A coordinator without HTTP on a data folder of its own, with a clock that tests turn, that can be killed and started again.
/// </summary>
internal sealed class Coordinator : IAsyncDisposable
{
    /// <summary>Real time after which a thing has not happened: generous, since it only matters when something is broken.</summary>
    public static readonly TimeSpan Never = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-grains-");
    private readonly Dictionary<string, string> _nodes = new(StringComparer.Ordinal);
    private IHost _host = null!;
    private Life _life = new();
    private Action<IServiceCollection>? _configure;

    /// <summary>The present process's clock.</summary>
    public FakeTimeProvider Time { get; private set; } = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public IServiceProvider Services => _host.Services;

    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    public IBlobStore Blobs => _host.Services.GetRequiredService<IBlobStore>();

    /// <summary>Where the store keeps a blob.</summary>
    public string BlobPath(string hash) => Directory.GetFiles(_folder.FullName, hash, SearchOption.AllDirectories).Single();

    /// <summary>A part of its data folder.</summary>
    public string PartOf(string name) => Path.Combine(_folder.FullName, name);

    public IEnrolmentGrain Enrolment => Grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key);

    public IRegistryGrain Registry => Grains.GetGrain<IRegistryGrain>(IRegistryGrain.Key);

    public IFederationGrain Federation => Grains.GetGrain<IFederationGrain>("demo");

    public UpdateReceiver Receiver => _host.Services.GetRequiredService<UpdateReceiver>();

    public FederationCreator Creator => _host.Services.GetRequiredService<FederationCreator>();

    /// <param name="configure">What it has otherwise than usual.</param>
    /// <param name="prepare">Fills its folder.</param>
    public static async Task<Coordinator> StartAsync(Action<IServiceCollection>? configure = null, Action<string>? prepare = null)
    {
        var coordinator = new Coordinator { _configure = configure };
        prepare?.Invoke(coordinator._folder.FullName);
        await coordinator.BootAsync();
        return coordinator;
    }

    public bool IsDead => _life.IsDead;

    /// <summary>Ends when it dies.</summary>
    public Task Died => _life.Died;

    /// <summary>What becomes of the present process's writes.</summary>
    public Life Life => _life;

    /// <summary>What it logs.</summary>
    public HeardLog Log { get; } = new();

    /// <summary>Kills the process (its clock stands still, its storage takes nothing more) and starts another on the same folder.</summary>
    /// <param name="next">How long the new one lives.</param>
    public async Task KillAndRestartAsync(Life? next = null)
    {
        _life.Kill();
        _life = next ?? new();
        Time = new(Time.GetUtcNow());
        await BootAsync();
        // As the server does at its start.
        if ((await Registry.ListFederationsAsync(default)).Count > 0)
            await Federation.GetAsync(default);
    }

    /// <summary>Stops it in order and starts it again.</summary>
    public async Task RestartAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        await KillAndRestartAsync();
    }

    /// <summary>Nodes that were enrolled by another process.</summary>
    public async Task FindNodesAsync()
    {
        foreach (var node in await Enrolment.ListNodesAsync(default))
            _nodes[node.Name] = node.NodeId;
    }

    public INodeGrain Node(string name) => Grains.GetGrain<INodeGrain>(_nodes[name]);

    public string IdOf(string name) => _nodes[name];

    public async Task EnrolAsync(params string[] names)
    {
        var token = await Enrolment.CreateTokenAsync(new() { Uses = names.Length }, default);
        foreach (var name in names)
            _nodes[name] = (await Enrolment.EnrolAsync(new() { Token = token.Token, Name = name, RequestId = Guid.NewGuid().ToString("N") },
                default)).NodeId;
    }

    public Task<PollReply> PollAsync(string name, string fingerprint = Samples.Fingerprint) =>
        Node(name).PollAsync(new() { Profile = new() { ModelFingerprints = [fingerprint] } }, default);

    /// <summary>Polls, builds an update from a seed and delivers it.</summary>
    public async Task<UpdateHeader> DeliverAsync(string name, int seed, long examples = 10)
    {
        var task = (await PollAsync(name)).Task ?? throw new InvalidOperationException($"{name} has no task.");
        return await SendAsync(Header(name, task.Round, task.Attempt, Samples.Update(seed), examples), Samples.Update(seed));
    }

    public UpdateHeader Header(string name, int round, int attempt, AdapterState update, long examples = 10)
    {
        var bytes = update.ToBytes();
        return new()
        {
            Federation = "demo",
            Round = round,
            Attempt = attempt,
            NodeId = _nodes[name],
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)),
            Bytes = bytes.Length,
            ExampleCount = examples,
            Steps = 3,
            Loss = 0.5,
        };
    }

    public Task<UpdateHeader> SendAsync(UpdateHeader header, AdapterState update) => SendBytesAsync(header, update.ToBytes());

    public async Task<UpdateHeader> SendBytesAsync(UpdateHeader header, byte[] bytes)
    {
        var upload = await Receiver.BeginAsync(header, default);
        if (upload.Offset < header.Bytes)
            await upload.AppendAsync(bytes.AsMemory((int)upload.Offset), durable: true, default);
        await upload.CompleteAsync(default);
        return header;
    }

    /// <summary>Waits (without turning the clock) until the federation looks so: it tells of every change.</summary>
    public async Task<FederationView> UntilAsync(Func<FederationView, bool> condition)
    {
        var seen = await Federation.WatchAsync(0, TimeSpan.Zero, default);
        while (!condition(seen.View))
            seen = await ChangeAsync(seen);
        return seen.View;
    }

    /// <summary>Turns the clock step by step until the federation looks so; stands still while it aggregates.</summary>
    public async Task<FederationView> AdvanceUntilAsync(TimeSpan step, Func<FederationView, bool> condition)
    {
        for (var steps = 0; steps < 1000; steps++)
        {
            // A call in its turn: what the clock has set off before is done.
            await Federation.GetAsync(default);
            var seen = await Federation.WatchAsync(0, TimeSpan.Zero, default);
            if (condition(seen.View))
                return seen.View;
            if (seen.View.Current?.State == RoundState.Aggregating)
                await ChangeAsync(seen);
            else
                Time.Advance(step);
        }

        throw new TimeoutException($"It is {await SayAsync()} after 1000 steps of {step}.");
    }

    /// <summary>The next change of the federation after what was seen.</summary>
    public async Task<VersionedView> ChangeAsync(VersionedView seen)
    {
        try
        {
            return await Federation.WatchAsync(seen.Version, TimeSpan.FromMinutes(1), default).WaitAsync(Never);
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException($"It stays {await SayAsync()}.", error);
        }
    }

    /// <summary>Waits until this is so; asked again after every write to the storage.</summary>
    public async Task StoredAsync(Func<Task<bool>> condition)
    {
        while (true)
        {
            var written = _life.Written;
            if (await condition())
                return;
            await written.WaitAsync(Never);
        }
    }

    private async Task<string> SayAsync()
    {
        var view = await Federation.GetAsync(default);
        return $"{view.State}: {view.Reason}";
    }

    public T Service<T>() where T : notnull => _host.Services.GetRequiredService<T>();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        try
        {
            _folder.Delete(recursive: true);
        }
        catch (IOException)
        {
            // A coordinator that was killed may still be writing its last file: it lies in the temporary folder, where it harms nobody.
        }
    }

    private async Task BootAsync()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders().AddProvider(Log);
        builder.Services.AddSingleton<TimeProvider>(Time);
        CoordinatorSilo.Add(builder, _folder.FullName);
        var life = _life;
        builder.Services.AddKeyedSingleton<IGrainStorage>(
            ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME,
            (services, _) => new MortalStorage(new(services.GetRequiredService<SqliteDatabase>()), life));
        _configure?.Invoke(builder.Services);
        _host = builder.Build();
        await _host.StartAsync();
    }
}
