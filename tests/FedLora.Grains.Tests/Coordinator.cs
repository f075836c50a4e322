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

/// <summary>A coordinator without HTTP on a data folder of its own, with a clock that tests turn, that can be killed and started again.</summary>
internal sealed class Coordinator : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-grains-");
    private readonly Dictionary<string, string> _nodes = new(StringComparer.Ordinal);
    private IHost _host = null!;
    private Life _life = new();

    /// <summary>The present process's clock.</summary>
    public FakeTimeProvider Time { get; private set; } = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    public IBlobStore Blobs => _host.Services.GetRequiredService<IBlobStore>();

    public IRegistryGrain Registry => Grains.GetGrain<IRegistryGrain>(IRegistryGrain.Key);

    public IFederationGrain Federation => Grains.GetGrain<IFederationGrain>("demo");

    public UpdateReceiver Receiver => _host.Services.GetRequiredService<UpdateReceiver>();

    public static async Task<Coordinator> StartAsync()
    {
        var coordinator = new Coordinator();
        await coordinator.BootAsync();
        return coordinator;
    }

    public bool IsDead => _life.IsDead;

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

    public INodeGrain Node(string name) => Grains.GetGrain<INodeGrain>(_nodes[name]);

    public string IdOf(string name) => _nodes[name];

    public async Task EnrolAsync(params string[] names)
    {
        var token = await Registry.CreateTokenAsync(new() { Uses = names.Length }, default);
        foreach (var name in names)
            _nodes[name] = (await Registry.EnrolAsync(new() { Token = token.Token, Name = name, RequestId = Guid.NewGuid().ToString("N") }, default)).NodeId;
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
        var offset = await Receiver.BeginAsync(header, default);
        if (offset < header.Bytes)
            await Receiver.AppendAsync(header, offset, bytes.AsMemory((int)offset), durable: true, default);
        await Receiver.CompleteAsync(header, default);
        return header;
    }

    /// <summary>Waits (without turning the clock) until the federation looks so; ten seconds are "never".</summary>
    public async Task<FederationView> UntilAsync(Func<FederationView, bool> condition)
    {
        var end = Environment.TickCount64 + 10_000;
        var seen = await Federation.WatchAsync(0, TimeSpan.Zero, default);
        while (!condition(seen.View))
        {
            Assert.True(Environment.TickCount64 < end, $"It is {seen.View.State}: {seen.View.Reason}");
            await Task.Delay(2);
            seen = await Federation.WatchAsync(0, TimeSpan.Zero, default);
        }

        return seen.View;
    }

    /// <summary>Turns the clock step by step until the federation looks so.</summary>
    public async Task<FederationView> AdvanceUntilAsync(TimeSpan step, Func<FederationView, bool> condition)
    {
        var end = Environment.TickCount64 + 10_000;
        while (true)
        {
            var view = await Federation.GetAsync(default);
            if (condition(view))
                return view;
            Assert.True(Environment.TickCount64 < end, $"It is {view.State}: {view.Reason}");
            Time.Advance(step);
            await Task.Delay(2);
        }
    }

    public T Service<T>() where T : notnull => _host.Services.GetRequiredService<T>();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
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
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<TimeProvider>(Time);
        CoordinatorSilo.Add(builder, _folder.FullName);
        var life = _life;
        builder.Services.AddKeyedSingleton<IGrainStorage>(
            ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, (services, _) => new MortalStorage(new(services.GetRequiredService<SqliteDatabase>()), life));
        _host = builder.Build();
        await _host.StartAsync();
    }
}
