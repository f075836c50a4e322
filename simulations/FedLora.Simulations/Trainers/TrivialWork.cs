using FedLora.Adapters;
using FedLora.Federations.Definitions;
using FedLora.Training.Running;

namespace FedLora.Simulations.Trainers;

/// <summary>Adds a constant to every number: what a round costs besides training.</summary>
internal sealed class TrivialWork : INodeWork
{
    private const float Step = 1e-3f;
    private readonly BufferPool _buffers = new();

    public IReadOnlyList<NodeResult> Train(RoundWork round, IReadOnlyList<NodeTask> tasks, CancellationToken cancellationToken)
    {
        var results = new NodeResult[tasks.Count];
        var sent = round.Received("").Adapter.Only(round.Definition.SentFactors(round.Round));
        Parallel.For(0, tasks.Count, new ParallelOptions { CancellationToken = cancellationToken },
            i => results[i] = Train(round, tasks[i], sent));
        return results;
    }

    public void Release(IEnumerable<NodeResult> results) => _buffers.Return(results);

    public Evaluation? Evaluate(RoundWork next, CancellationToken cancellationToken) => null;

    public void Dispose()
    {
    }

    private NodeResult Train(RoundWork round, NodeTask node, AdapterState sent) => new()
    {
        Update = new(sent.Select(tensor =>
        {
            var values = _buffers.Take(tensor.Values.Length);
            System.Numerics.Tensors.TensorPrimitives.Add(tensor.Values, Step, values);
            return tensor with { Values = values };
        })),
        Examples = Math.Max(1, round.Fleet.Data.CountOf(node.Node)),
        Steps = round.Definition.Training.LocalSteps,
    };
}
