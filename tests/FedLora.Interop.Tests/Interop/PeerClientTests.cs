namespace FedLora.Interop.Tests.Interop;

/// <summary>Other people's clients call the server of Grpc.AspNetCore; the scenarios are in peer.js and peer.py.</summary>
[Trait("Category", "Interop")]
public sealed class PeerClientTests
{
    public static TheoryData<string> Scenarios =>
    [
        "unary", "client_streaming", "server_streaming", "duplex", "large", "deadline", "cancel", "malformed", "status", "metadata", "gzip",
        "unimplemented",
    ];

    [Theory(Skip = Peers.NoNode, SkipType = typeof(Peers), SkipUnless = nameof(Peers.NodeIsHere))]
    [MemberData(nameof(Scenarios))]
    public Task Grpc_js(string scenario) => RunAsync(Peers.Node, scenario);

    [Theory(Skip = Peers.NoPython, SkipType = typeof(Peers), SkipUnless = nameof(Peers.PythonIsHere))]
    [MemberData(nameof(Scenarios))]
    public Task Grpcio(string scenario) => RunAsync(Peers.Python, scenario);

    private static async Task RunAsync(string peer, string scenario)
    {
        await using var server = await ProbeServer.StartAsync(options =>
        {
            options.MaxReceiveMessageSize = null;
            options.ResponseCompressionAlgorithm = scenario == "gzip" ? "gzip" : null;
        });
        server.Events.OnCall = context =>
        {
            foreach (var entry in context.RequestHeaders.Where(entry => entry.Key is "text" or "bytes-bin"))
                context.ResponseTrailers.Add(entry);
            return Task.CompletedTask;
        };
        using var client = Peers.Start(peer, "client", server.Address["http://".Length..], scenario);
        var errors = client.StandardError.ReadToEndAsync();
        var output = await client.StandardOutput.ReadToEndAsync().WaitAsync(Within.Limit);
        Assert.True(output.Trim() == "ok", output + await errors);
        if (scenario is "deadline" or "cancel") Assert.Null(await server.Events.NextWaitEndedAsync());
    }
}
