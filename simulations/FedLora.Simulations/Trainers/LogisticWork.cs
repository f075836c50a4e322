using System.Collections.Concurrent;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Client.Rounds;
using FedLora.Federations.Definitions;
using FedLora.Training.Running;

namespace FedLora.Simulations.Trainers;

/// <summary>
/// Softmax regression whose weight matrix is a LoRA product over a base of zeros: p = softmax(s B A x), trained by SGD on the mean
/// cross-entropy of each batch. Every method works on it, in microseconds, so that rounds, time and cohorts can be looked at by themselves.
/// </summary>
/// <param name="scratch">Takes what error feedback leaves at a node from round to round.</param>
internal sealed class LogisticWork(LogisticPool pool, FederationDefinition definition, string scratch) : INodeWork
{
    /// <summary>The one adapted module.</summary>
    public const string Module = "score";

    private readonly ConcurrentDictionary<int, AdapterState> _kept = [];
    private readonly IFederatedMethod _method = Methods.Get(definition.Method);
    private readonly AdapterLayout _layout = definition.ToLayout();
    private readonly MethodOptions _options = definition.ToMethodOptions();

    public IReadOnlyList<NodeResult> Train(RoundWork round, IReadOnlyList<NodeTask> tasks, CancellationToken cancellationToken)
    {
        // Before threads ask for it.
        foreach (var group in tasks.Select(task => task.Group).Distinct(StringComparer.Ordinal))
            round.Received(group);
        var results = new NodeResult[tasks.Count];
        Parallel.For(0, tasks.Count, new ParallelOptions { CancellationToken = cancellationToken },
            i => results[i] = Train(round, tasks[i]));
        return results;
    }

    public void Delivered(NodeTask node, int round)
    {
        if (definition.Communication.ErrorFeedback)
            SparseUplink.Acknowledge(HomeOf(node), (uint)round);
    }

    public Evaluation? Evaluate(RoundWork next, CancellationToken cancellationToken)
    {
        if (pool.HeldOut.Count == 0)
            return null;
        var start = _method.Start(next.Received("").Adapter, null,
            new NodeTerms(_layout, _options, next.Round, definition.Seed, definition.Lora.Rank));
        using var factors = new LogisticFactors(start, pool);
        foreach (var fold in next.Folds)
            factors.Fold(fold);
        var (loss, confusion) = (0.0, new long[pool.Classes, pool.Classes]);
        foreach (var example in pool.HeldOut)
        {
            var (cost, guess) = factors.Judge(example);
            loss += cost;
            confusion[pool.ClassOf(example), guess]++;
        }

        var right = Enumerable.Range(0, pool.Classes).Sum(label => confusion[label, label]);
        return new(pool.HeldOut.Count, pool.HeldOut.Count, loss / pool.HeldOut.Count, right / (double)pool.HeldOut.Count,
            new Confusion(confusion).MacroF1);
    }

    public void Dispose()
    {
    }

    private string HomeOf(NodeTask node) => Path.Combine(scratch, node.Id);

    private NodeResult Train(RoundWork round, NodeTask node)
    {
        var examples = round.Fleet.Data.Of(node.Node);
        if (examples.Count == 0)
            return new() { Error = new("data-nothing-to-learn", $"{node.Name} has no example", "another split") };
        var start = _method.Start(round.Received(node.Group).Adapter, _kept.GetValueOrDefault(node.Node),
            new NodeTerms(_layout, _options, round.Round, definition.Seed, node.Rank));
        using var factors = new LogisticFactors(start, pool);
        foreach (var fold in round.Folds)
            factors.Fold(fold);
        var (training, seed) = (definition.TrainingOf(round.Round), round.SeedOf(node.Name));
        var sampler = new ShuffledSampler(examples.Count, training.BatchSize, seed);
        var loss = 0.0;
        for (var step = 0; step < training.LocalSteps; step++)
            loss += factors.Step(examples, sampler.Next(), (float)training.LearningRate, _method.Trained(round.Round, _options));
        if (!double.IsFinite(loss))
            return new() { Error = new("training-diverged", $"the loss of {node.Name} became {loss}", "lower the learning rate") };
        var trained = factors.Export(start.Adapter);
        if (_method.Kept(_options) is not Factors.None and var kept)
            _kept[node.Node] = trained.Only(kept);
        var sent = _method.Sent(round.Round, _options);
        var task = round.TaskOf(node, null);
        var update = trained.Only(sent);
        var sparse = SparseUplink.IsUsed(task) ? SparseUplink.Encode(task, HomeOf(node), start.Adapter.Only(sent), update, seed) : null;
        return new()
        {
            Update = sparse is null ? update : null,
            Sparse = sparse,
            Examples = examples.Count,
            Steps = training.LocalSteps,
            Loss = loss / training.LocalSteps,
        };
    }
}
