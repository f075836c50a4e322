using System.Globalization;
using FedLora.Client.Connection;
using FedLora.Protocol;
using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Benchmarks.Serve;

/// <summary>Many enrolled nodes that poll and do nothing else; some share a connection, as HTTP/2 allows.</summary>
internal sealed class Crowd : IDisposable
{
    // Kestrel allows a hundred streams on a connection.
    private const int PerConnection = 50;
    private const int AtOnce = 16;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);
    private readonly CoordinatorConnection[] _connections;
    private readonly string[] _credentials;

    private Crowd(ServerProcess server, int nodes)
    {
        _connections = [.. Enumerable.Range(0, (nodes + PerConnection - 1) / PerConnection).Select(_ => server.Connect())];
        _credentials = new string[nodes];
    }

    /// <summary>SHA-256 that stands for the base model that they hold.</summary>
    public static string Fingerprint { get; } = new('a', 64);

    /// <summary>Enrols so many nodes.</summary>
    public static async Task<Crowd> EnrolAsync(ServerProcess server, int nodes, CancellationToken cancellationToken)
    {
        var crowd = new Crowd(server, nodes);
        var token = await server.TokenAsync(nodes, cancellationToken);
        await crowd.ForEachAsync(async (node, cancellationToken) =>
        {
            var request = new EnrolRequest { Token = token, Name = NameOf(node), RequestId = Guid.NewGuid().ToString("N") };
            crowd._credentials[node] = (await crowd.ConnectionOf(node).Enrolment.EnrolAsync(request,
                cancellationToken: cancellationToken)).Credential;
        }, cancellationToken);
        return crowd;
    }

    /// <summary>Every node asks for work, some at a time, waiting for none.</summary>
    public Task PollAsync(CancellationToken cancellationToken) =>
        ForEachAsync((node, cancellationToken) => PollAsync(node, TimeSpan.Zero, cancellationToken), cancellationToken);

    /// <summary>Every node asks for work and waits, all at once.</summary>
    /// <returns>Ends when the first of them is given a task, or fails.</returns>
    public async Task FirstTaskAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        await foreach (var poll in Task.WhenEach(
            Enumerable.Range(0, _credentials.Length).Select(node => PollAsync(node, wait, cancellationToken))))
        {
            if ((await poll).Task is not null)
                return;
        }

        throw new FedLoraException("bench-no-task", $"no node was given a task within {wait}", "start the bench again");
    }

    public void Dispose()
    {
        foreach (var connection in _connections)
            connection.Dispose();
    }

    /// <summary>What a node is called, from 0.</summary>
    public static string NameOf(int node) => string.Create(CultureInfo.InvariantCulture, $"node-{node:D5}");

    private CoordinatorConnection ConnectionOf(int node) => _connections[node / PerConnection];

    /// <summary>One node asks for work.</summary>
    public async Task<PollTaskResponse> PollAsync(int node, TimeSpan wait, CancellationToken cancellationToken)
    {
        var request = new PollTaskRequest
        {
            Profile = new NodeProfile
            {
                ModelFingerprints = { Fingerprint },
                Version = "bench",
                Balances = { new PrivacyBalance { DataSet = "data", LimitEpsilon = 8, Delta = 1e-5 } },
            },
            WaitSeconds = (uint)wait.TotalSeconds,
        };
        return await ConnectionOf(node).Node.PollTaskAsync(request,
            new CallOptions(Bearer.Of(_credentials[node]), DateTime.UtcNow + wait + Patience, cancellationToken));
    }

    private Task ForEachAsync(Func<int, CancellationToken, Task> action, CancellationToken cancellationToken) => Parallel.ForEachAsync(
        Enumerable.Range(0, _credentials.Length),
        new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
        async (node, cancellationToken) => await action(node, cancellationToken));
}
