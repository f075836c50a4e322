using System.Net;
using System.Net.Sockets;
using FedLora.Client.Connection;
using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Client.Tests;

/// <summary>A proxy stands between a site and the world, never between two programs of one machine.</summary>
public class ProxyTests
{
    [Theory]
    [InlineData("http://127.0.0.1:5080")]
    [InlineData("http://localhost:5080")]
    [InlineData("http://[::1]:5080")]
    [InlineData("https://127.0.0.2:5080")]
    public void Loopback_has_none(string url) => Assert.Null(new CoordinatorAddress(url, new WebProxy("http://proxy.example:3128")).Proxy);

    [Fact]
    public void A_host_that_the_proxy_does_not_serve_has_none() =>
        Assert.Null(
            new CoordinatorAddress("https://inside.example", new WebProxy("http://proxy.example:3128", false, ["inside\\.example"])).Proxy);

    [Fact]
    public async Task Elsewhere_it_is_asked_and_an_error_names_it_but_not_its_password()
    {
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        var asked = RefuseAsync(proxy);
        var at = $"127.0.0.1:{((IPEndPoint)proxy.LocalEndpoint).Port}";
        using var connection = new CoordinatorConnection("https://coordinator.example:5443", null,
            new WebProxy($"http://user:secret@{at}"));
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await connection.Admin.ListNodesAsync(new ListNodesRequest(),
                connection.Options(TestContext.Current.CancellationToken)));
        var told = connection.Explain(error);
        Assert.Equal("coordinator-unreachable", told.Code);
        Assert.Contains($"through the proxy http://{at}", told.Message);
        Assert.DoesNotContain("secret", told.Message + told.Hint);
        Assert.StartsWith("CONNECT coordinator.example:5443", await asked);
    }

    private static async Task<string> RefuseAsync(TcpListener proxy)
    {
        using var client = await proxy.AcceptTcpClientAsync();
        using var reader = new StreamReader(client.GetStream());
        var first = await reader.ReadLineAsync() ?? "";
        while (await reader.ReadLineAsync() is { Length: > 0 })
        {
            // The rest of the request's head.
        }
        await client.GetStream().WriteAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
        return first;
    }
}
