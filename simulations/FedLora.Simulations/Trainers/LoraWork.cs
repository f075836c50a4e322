using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Client.Rounds;
using FedLora.Client.Training;
using FedLora.Federations.Definitions;
using FedLora.Simulations.Scenarios;
using FedLora.Training.Libtorch;
using FedLora.Training.Lora;
using FedLora.Training.Running;

namespace FedLora.Simulations.Trainers;

/// <summary>The training engine, as at a real node, on one copy of the base model: nodes train one after another.</summary>
internal sealed class LoraWork : INodeWork
{
    private readonly RoundTrainer _trainer;
    private readonly TextPool _pool;
    private readonly string _model;
    private readonly string _scratch;
    private readonly bool _keeps;

    /// <param name="scratch">Takes what methods leave at a node from round to round; a folder that is there.</param>
    public LoraWork(ScenarioDefinition scenario, FederationDefinition definition, string modelFolder, TextPool pool, string scratch)
    {
        LibtorchLoader.UseThreads(scenario.Threads);
        (_pool, _model, _scratch) = (pool, modelFolder, scratch);
        _keeps = Methods.Get(definition.Method).Kept(definition.ToMethodOptions()) != Factors.None
            || definition.Communication.ErrorFeedback || definition.Training.KeepOptimizer;
        _trainer = RoundTrainer.Simulated(modelFolder, pool, scenario.Seed);
    }

    public IReadOnlyList<NodeResult> Train(RoundWork round, IReadOnlyList<NodeTask> tasks, CancellationToken cancellationToken) =>
        [.. tasks.Select(task => Train(round, task, cancellationToken))];

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

    private NodeResult Train(RoundWork round, NodeTask node, CancellationToken cancellationToken)
    {
        try
        {
            var privacy = round.Definition.Privacy is null ? null : round.Ledgers.RowOf(node.Node, cancellationToken);
            var (task, home, seed) = (round.TaskOf(node, privacy), HomeOf(node), round.SeedOf(node.Name));
            _pool.Turn(round.Fleet.Data.Of(node.Node));
            // The simulator has charged it when it began; it is computed when somebody wants the update.
            var input = new RoundInput(task, round.Received(node.Group).Adapter, round.Folds, home, seed,
                _ => privacy is null ? null : round.Ledgers.ReceiptOf(node.Node));
            var output = _trainer.Train(input, Silence.Instance, cancellationToken);
            var sparse = SparseUplink.IsUsed(task) ? SparseUplink.Encode(task, home, output.Start, output.Update, seed) : null;
            return new()
            {
                Update = sparse is null ? output.Update : null,
                Sparse = sparse,
                Examples = output.Examples,
                Steps = output.Steps,
                Loss = output.Loss,
            };
        }
        catch (FedLoraException error)
        {
            return new() { Error = error };
        }
    }

    private string HomeOf(NodeTask node)
    {
        var home = _keeps ? Path.Combine(_scratch, node.Id) : _scratch;
        Directory.CreateDirectory(home);
        return home;
    }

    private sealed class Silence : IProgress<TrainingProgress>
    {
        public static Silence Instance { get; } = new();

        public void Report(TrainingProgress value)
        {
        }
    }
}
