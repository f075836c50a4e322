using System.Diagnostics;
using Fedlora.Probe.V1;
using Grpc.Net.Client;

namespace FedLora.Interop.Tests.Interop;

/// <summary>The probe service as a peer's program serves it; ends with the test.</summary>
internal sealed class PeerServer : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private PeerServer(Process process, Task<string> errors, string address) => (_process, _errors, Address) = (process, errors, address);

    public string Address { get; }

    public static async Task<PeerServer> StartAsync(string peer)
    {
        var process = Peers.Start(peer, "server");
        var errors = process.StandardError.ReadToEndAsync();
        var line = await process.StandardOutput.ReadLineAsync().WaitAsync(Within.Limit);
        return line is ['p', 'o', 'r', 't', ' ', .. var port]
            ? new PeerServer(process, errors, $"http://127.0.0.1:{port}")
            : throw new InvalidOperationException($"The peer did not start: {line} {await errors}");
    }

    /// <summary>What the peer says next, such as "wait ended".</summary>
    public async Task<string> NextLineAsync() =>
        await _process.StandardOutput.ReadLineAsync().WaitAsync(Within.Limit) ?? throw new InvalidOperationException(await _errors);

    public Probe.ProbeClient Client() => new(Channel());

    public GrpcChannel Channel() => GrpcChannel.ForAddress(Address, new GrpcChannelOptions { MaxReceiveMessageSize = null });

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        if (!await Task.Run(() => _process.WaitForExit(TimeSpan.FromSeconds(5)))) _process.Kill();
        _process.Dispose();
    }
}
