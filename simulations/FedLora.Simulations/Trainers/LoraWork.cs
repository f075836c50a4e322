using System.Diagnostics.CodeAnalysis;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Client.Rounds;
using FedLora.Client.Trainers;
using FedLora.Federations.Definitions;
using FedLora.Simulations.Scenarios;
using FedLora.Training.Libtorch;
using FedLora.Training.Lora;
using FedLora.Training.Running;

namespace FedLora.Simulations.Trainers;

/// <summary>
/// The training engine, as at a real node, on one copy of the base model: nodes train one after another, or several at once where their
/// steps are small (see <see cref="Grouping"/>).
/// </summary>
internal sealed class LoraWork : INodeWork
{
    private readonly RoundTrainer _trainer;
    private readonly TextPool _pool;
    private readonly string _model;
    private readonly string _scratch;
    private readonly bool _keeps;
    private readonly int _together;

    /// <param name="scratch">Takes what methods leave at a node from round to round; a folder that is there.</param>
    public LoraWork(ScenarioDefinition scenario, FederationDefinition definition, string modelFolder, TextPool pool, string scratch)
    {
        LibtorchLoader.UseThreads(scenario.Threads);
        (_pool, _model, _scratch, _together) = (pool, modelFolder, scratch, scenario.NodesTogether);
        _keeps = Methods.Get(definition.Method).Kept(definition.ToMethodOptions()) != Factors.None
            || definition.Communication.ErrorFeedback || definition.Training.KeepOptimizer;
        _trainer = RoundTrainer.Simulated(modelFolder, pool, scenario.Seed);
    }

    public IReadOnlyList<NodeResult> Train(RoundWork round, IReadOnlyList<NodeTask> tasks, CancellationToken cancellationToken)
    {
        var results = new NodeResult[tasks.Count];
        // Examples of nodes that wait would be held for nothing where they do not go together.
        foreach (var part in Enumerable.Range(0, tasks.Count).Chunk(_together == 0 ? Grouping.Most : _together))
        {
            var ready = new List<(int Place, ReadyRound Round)>();
            foreach (var place in part)
            {
                if (Try(() => Prepare(round, tasks[place], cancellationToken), out var prepared, out results[place]))
                    ready.Add((place, prepared));
            }

            foreach (var group in ready.Chunk(Grouping.NodesAtOnce(_together, [.. ready.Select(one => one.Round.Node)],
                example => MicroBatches.Rows(example, ready[0].Round.Model.Architecture))))
            {
                var trained = Together([.. group.Select(one => one.Round)], cancellationToken);
                foreach (var ((place, prepared), outcome) in group.Zip(trained))
                {
                    results[place] = Try(() => Result(round, tasks[place], RoundTrainer.Finish(prepared, outcome())), out var done,
                        out var failed) ? done : failed;
                }
            }
        }

        return results;
    }

    public void Delivered(NodeTask node, int round)
    {
        if (_keeps)
            SparseUplink.Acknowledge(HomeOf(node), (uint)round);
    }

    public Evaluation? Evaluate(RoundWork next, CancellationToken cancellationToken)
    {
        var test = _pool.Test(_model, cancellationToken);
        if (test.Count == 0)
            return null;
        var definition = next.Definition;
        var model = _trainer.ModelFor(definition, next.Folds);
        // As a node would start the next round.
        var start = Methods.Get(definition.Method)
            .Start(next.Received("").Adapter, null,
                new NodeTerms(definition.ToLayout(), definition.ToMethodOptions(), next.Round, definition.Seed, definition.Lora.Rank));
        using var binding = new AdapterBinding(model.Transformer, start.Adapter, start.Layout);
        return Evaluator.Run(model.Transformer, test, cancellationToken: cancellationToken);
    }

    public void Dispose() => _trainer.Dispose();

    private ReadyRound Prepare(RoundWork round, NodeTask node, CancellationToken cancellationToken)
    {
        var privacy = round.Definition.Privacy is null ? null : round.Ledgers.RowOf(node.Node, cancellationToken);
        _pool.Turn(round.Fleet.Data.Of(node.Node));
        // The simulator has charged it when it began; it is computed when somebody wants the update.
        return _trainer.Prepare(new RoundInput(round.TaskOf(node, privacy), round.Received(node.Group).Adapter, round.Folds, HomeOf(node),
            round.SeedOf(node.Name), _ => privacy is null ? null : round.Ledgers.ReceiptOf(node.Node)), cancellationToken);
    }

    // Where one of several fails, each is trained alone: what the others made does not depend on it.
    private static IReadOnlyList<Func<LocalResult>> Together(IReadOnlyList<ReadyRound> group, CancellationToken cancellationToken)
    {
        if (group.Count > 1
            && Try(() => CohortTraining.Run(group[0].Model, [.. group.Select(one => one.Node)], cancellationToken: cancellationToken),
                out var results, out _))
            return [.. results.Select(result => (Func<LocalResult>)(() => result))];
        return [.. group.Select(one => (Func<LocalResult>)(() =>
            LocalTraining.Run(one.Model, one.Node.Task, one.Node.Examples, cancellationToken: cancellationToken)))];
    }

    private NodeResult Result(RoundWork round, NodeTask node, RoundOutput output)
    {
        var task = round.TaskOf(node, null);
        var sparse = SparseUplink.IsUsed(task)
            ? SparseUplink.Encode(task, HomeOf(node), output.Start, output.Update, round.SeedOf(node.Name)) : null;
        return new()
        {
            Update = sparse is null ? output.Update : null,
            Sparse = sparse,
            Examples = output.Examples,
            Steps = output.Steps,
            Loss = output.Loss,
        };
    }

    private static bool Try<T>(Func<T> action, [MaybeNullWhen(false)] out T result, out NodeResult failed)
    {
        try
        {
            (result, failed) = (action(), null!);
            return true;
        }
        catch (FedLoraException error)
        {
            (result, failed) = (default, new() { Error = error });
            return false;
        }
    }

    private string HomeOf(NodeTask node)
    {
        var home = _keeps ? Path.Combine(_scratch, node.Id) : _scratch;
        Directory.CreateDirectory(home);
        return home;
    }
}
