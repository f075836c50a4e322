using FedLora.Server.Hosting;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Options;

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
}
