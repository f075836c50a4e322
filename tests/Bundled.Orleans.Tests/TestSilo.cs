using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Bundled.Orleans.Tests;

/// <summary>A silo in a host, with a clock that tests turn.</summary>
public sealed class TestSilo : IAsyncDisposable
{
    private readonly IHost _host;

    private TestSilo(IHost host, FakeTimeProvider time)
    {
        _host = host;
        Time = time;
    }

    public FakeTimeProvider Time { get; }

    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    public Board Board => _host.Services.GetRequiredService<Board>();

    public IServiceProvider Services => _host.Services;

    public static async Task<TestSilo> StartAsync(Action<ISiloBuilder>? configure = null)
    {
        var time = new FakeTimeProvider();
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<TimeProvider>(time);
        builder.Services.AddSingleton<Board>();
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering();
            silo.AddMemoryGrainStorageAsDefault();
            silo.AddMemoryGrainStorage("named");
            configure?.Invoke(silo);
        });
        var host = builder.Build();
        await host.StartAsync();
        return new(host, time);
    }

    /// <summary>Turns the clock step by step until something has happened.</summary>
    public async Task AdvanceUntilAsync(Func<bool> done, TimeSpan step)
    {
        var started = Stopwatch.GetTimestamp();
        while (!done())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Board.Never, $"It did not happen. {string.Join(", ", Board.Events)}");
            Time.Advance(step);
            await Task.Delay(1);
        }
    }

    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
