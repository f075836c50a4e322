using System.Collections.Concurrent;
using FedLora.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FedLora.EndToEnd.Tests;

/// <summary>A coordinator tells a collector that its environment names what it counts, calls and logs.</summary>
public sealed class CollectorTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-e2e-");

    [Fact]
    public async Task Metrics_traces_and_logs_reach_the_collector()
    {
        var heard = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var collector = builder.Build();
        collector.Urls.Add("http://127.0.0.1:0");
        collector.MapPost("/v1/{signal}", async (string signal, HttpRequest request, CancellationToken cancellationToken) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body, cancellationToken);
            heard.AddOrUpdate(signal, body.Length, (_, before) => before + body.Length);
        });
        await collector.StartAsync(TestContext.Current.CancellationToken);

        using var server = new RunningProgram(
            ["server", "--data", _folder.FullName, "--listen", "http://127.0.0.1:0", "--with-parent"], null,
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Urls.First()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"));
        await server.SaidAsync("coordinator on http");
        using (var channel = GrpcChannel.ForAddress(File.ReadAllText(Path.Combine(_folder.FullName, "coordinator.url")).Trim()))
            await Assert.ThrowsAsync<RpcException>(async () => await new Admin.AdminClient(channel).ListNodesAsync(new ListNodesRequest()));
        await server.EndAsync("TERM");

        // What is left is sent before it ends.
        Assert.Equal(["logs", "metrics", "traces"], heard.Keys.Order(StringComparer.Ordinal));
        Assert.All(heard.Values, bytes => Assert.True(bytes > 100));
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
