using FedLora.Grains.Federations;
using FedLora.Server.Hosting;
using FedLora.Server.Tests.Certificates;
using FedLora.Tests;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace FedLora.Server.Tests.Hosting;

public class HostingTests
{
    [Fact]
    public async Task Anybody_may_ask_whether_it_is_healthy()
    {
        await using var bench = await Bench.StartAsync();
        using var channel = GrpcChannel.ForAddress(bench.Operator.Url);
        var reply = await new Health.HealthClient(channel)
            .CheckAsync(new HealthCheckRequest(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, reply.Status);
    }

    [Theory]
    [InlineData("", "http://127.0.0.1:0", "no data folder")]
    [InlineData("coordinator", "http://0.0.0.0:5080", "is not loopback")]
    [InlineData("coordinator", "127.0.0.1", "is not an address")]
    public async Task Options_that_cannot_be_meant_end_the_start_of_any_host(string data, string listen, string said)
    {
        var folder = Path.Combine(Path.GetTempPath(), $"fedlora-{Guid.NewGuid():N}");
        var builder = WebApplication.CreateSlimBuilder();
        builder.AddFedLoraCoordinator(
            options => (options.Data, options.Listen) = (data.Length > 0 ? Path.Combine(folder, data) : data, listen));
        var error = await Assert.ThrowsAsync<OptionsValidationException>(async () =>
        {
            await using var web = builder.Build().MapFedLoraCoordinator();
            await web.StartAsync(TestContext.Current.CancellationToken);
        });
        Assert.Contains(said, error.Message);
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public async Task The_folder_says_where_it_listens_while_it_does()
    {
        await using var bench = await Bench.StartAsync();
        var file = DataFolder.UrlFileOf(bench.Data);
        Assert.Equal(bench.Operator.Url, (await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).Trim());
        await bench.StopAsync();
        Assert.False(File.Exists(file));
    }

    /// <summary>
    /// Its connections lay in the pool until the process ended: then, after a hundred coordinators, the tests did not end in time.
    /// </summary>
    [Fact]
    public async Task A_coordinator_that_has_stopped_has_closed_its_state()
    {
        await using var bench = await Bench.StartAsync();
        var log = Path.Combine(bench.Data, "state.db-wal");
        Assert.True(File.Exists(log));
        await bench.StopAsync();
        Assert.False(File.Exists(log));
    }

    [Fact]
    public async Task A_part_that_fails_ends_the_coordinator_with_an_error_and_a_wish_to_end_without()
    {
        var data = Directory.CreateTempSubdirectory("fedlora-server-tests-");
        var failing = new TaskCompletionSource();
        await using (var host = await CoordinatorHost.StartAsync(new ServerOptions { Data = data.FullName, Listen = "http://127.0.0.1:0" },
            builder => builder.Services.AddHostedService(_ => new Part(failing.Task)), TestContext.Current.CancellationToken))
        {
            using var wish = new CancellationTokenSource();
            var asked = host.WaitAsync(wish.Token);
            await wish.CancelAsync();
            await asked.WaitAsync(Bench.Never, TestContext.Current.CancellationToken);
            var waiting = host.WaitAsync(CancellationToken.None);
            failing.SetException(new InvalidOperationException("the disk is gone"));
            var error = await Assert.ThrowsAsync<FedLoraException>(
                () => waiting.WaitAsync(Bench.Never, TestContext.Current.CancellationToken));
            Assert.Equal("coordinator-failed", error.Code);
            Assert.Contains("Part failed: the disk is gone", error.Message);
        }
        data.Delete(recursive: true);
    }

    [Fact]
    public async Task A_look_at_the_federations_that_fails_is_followed_by_the_next()
    {
        var (time, looks) = (new FakeTimeProvider(), 0);
        var grains = Scripted.Of<IGrainFactory>(_ =>
        {
            looks++;
            throw new InvalidOperationException("the registry cannot be read");
        });
        using var watch = new FederationWatch(grains, time, NullLogger<FederationWatch>.Instance);
        await watch.StartAsync(TestContext.Current.CancellationToken);
        await Until.SoAsync("it has looked twice", () => looks >= 2, () => time.Advance(FederationWatch.Every));
        Assert.False(watch.ExecuteTask!.IsCompleted);
        await watch.StopAsync(TestContext.Current.CancellationToken);
    }

    private sealed class Part(Task work) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => work;
    }
}
