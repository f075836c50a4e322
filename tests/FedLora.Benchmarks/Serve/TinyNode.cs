using FedLora.Adapters;
using FedLora.Client.Hosting;
using FedLora.Client.Rounds;
using FedLora.Compression;
using FedLora.Protocol.V1;
using Microsoft.Extensions.DependencyInjection;

namespace FedLora.Benchmarks.Serve;

/// <summary>A real training node, ledger and folder and all, whose training costs nothing: what is left is what a round costs.</summary>
internal sealed class TinyNode : IAsyncDisposable
{
    private readonly CancellationTokenSource _ended = new();
    private readonly ServiceProvider _services;
    private readonly Task _running;

    private TinyNode(ServiceProvider services)
    {
        _services = services;
        _running = services.GetRequiredService<NodeDaemon>().RunAsync(_ended.Token);
    }

    /// <summary>Starts one.</summary>
    /// <param name="server">Its coordinator.</param>
    /// <param name="name">Its name.</param>
    /// <param name="state">Its folder.</param>
    /// <param name="token">To enrol by.</param>
    /// <param name="training">Told of every round that it trains.</param>
    public static TinyNode Start(ServerProcess server, string name, string state, string token, Action<int> training) => new(
        new ServiceCollection()
            .AddSingleton<IRoundTrainer>(new Trainer(training))
            .AddFedLoraNode(new ClientOptions
            {
                Coordinator = server.Url,
                // Of what it is said to train on: it is in the ledger, and is not read.
                Data = Path.Combine(state, "data.jsonl"),
                Model = "",
                State = state,
                Token = token,
                Name = name,
            })
            .BuildServiceProvider());

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        try
        {
            await _running;
        }
        catch (OperationCanceledException)
        {
            // How a node ends.
        }

        await _services.DisposeAsync();
        _ended.Dispose();
    }

    private sealed class Trainer(Action<int> training) : IRoundTrainer
    {
        public string Fingerprint => Crowd.Fingerprint;

        public string? Refuses(TrainingTask task) => null;

        public VectorLayout SparseLayout(TrainingTask task) => throw new NotSupportedException();

        public RoundOutput Train(RoundInput input, IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
        {
            training((int)input.Task.Round);
            _ = input.Charge([new byte[32]]);
            var update = new AdapterState(input.Global
                .Select(tensor => new AdapterTensor(tensor.Name, tensor.Shape, [.. tensor.Values.Select(value => value + 1e-4f)])));
            return new RoundOutput(input.Global, update, 10, 1, 0.5);
        }

        public void Dispose()
        {
        }
    }
}
