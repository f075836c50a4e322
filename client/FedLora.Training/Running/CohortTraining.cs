using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Lora;
using FedLora.Training.Models;
using FedLora.Training.Privacy;
using TorchSharp;

namespace FedLora.Training.Running;

/// <summary>A node of a cohort that is trained on one machine.</summary>
/// <param name="Task">What it trains.</param>
/// <param name="Examples">On what; at least one.</param>
public sealed record CohortNode(LocalTask Task, IReadOnlyList<Example> Examples);

/// <summary>
/// Several nodes' parts of a round together: each step sends the batches of all of them through the frozen base model at once (see
/// <see cref="SharedPasses"/>). Every node has the adapter, the order of examples, the dropout, the noise and the optimiser that it would
/// have alone; results differ from <see cref="LocalTraining"/>'s by rounding (float32: below 1e-5 of the largest entry).
/// </summary>
public static class CohortTraining
{
    /// <summary>Runs them. Blocks. The base model is the same afterwards.</summary>
    /// <param name="model">The base model, all folds in it.</param>
    /// <param name="nodes">At least one.</param>
    /// <param name="rowsAtOnce">Rows (tokens) of all nodes that go through the model at once, at least 1; more are taken by one node's part
    /// alone where that is larger.</param>
    /// <param name="cancellationToken">Looked at between passes.</param>
    /// <returns>In the order of the nodes.</returns>
    /// <exception cref="FedLoraException">As <see cref="LocalTraining.Run"/>; of the first node that fails.</exception>
    public static IReadOnlyList<LocalResult> Run(BaseModel model, IReadOnlyList<CohortNode> nodes, int rowsAtOnce = MicroBatches.RowsAtOnce,
        CancellationToken cancellationToken = default)
    {
        // An embedding of one's own shares no pass: each node by itself.
        if (nodes.Any(node => node.Task.Start.Layout.Heads.Any(head => ModelLayout.IsEmbedding(model.Architecture, head.Name))))
            return [.. nodes.Select(node => LocalTraining.Run(model, node.Task, node.Examples, cancellationToken: cancellationToken))];
        var members = new List<Member>(nodes.Count);
        try
        {
            foreach (var node in nodes)
                members.Add(new Member(model.Transformer, node));
            while (members.Where(member => !member.Run.IsDone).ToArray() is { Length: > 0 } going)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var scope = torch.NewDisposeScope();
                var found = SharedPasses.Run(model.Transformer,
                    [.. going.Select(member => new StepMember(member.Share, member.Run.Next(), member.Layers))], rowsAtOnce,
                    cancellationToken);
                for (var i = 0; i < going.Length; i++)
                    going[i].Run.Take(found[i]);
            }
            return [.. members.Select(member => member.Result())];
        }
        finally
        {
            members.ForEach(member => member.Dispose());
        }
    }

    /// <summary>A node's stand-ins for the model's layers, its adapter on them, and how far it is.</summary>
    private sealed class Member : IDisposable
    {
        private readonly AdapterBinding _binding;
        private readonly ParameterSet _parameters;
        private readonly torch.Generator _dropout;

        public Member(Transformer model, CohortNode node)
        {
            var (task, training) = (node.Task, node.Task.Training);
            Layers = model.Layers.StandIns();
            _binding = new AdapterBinding(new LinearLayers([.. Layers.Values], [], model.Device), task.Start.Adapter, task.Start.Layout,
                task.Dropout);
            _parameters = new ParameterSet(LocalTraining.Trained(_binding, task), model.Device);
            if (task.Privacy is { } terms)
            {
                training = PrivateTerms.Training(training);
                _dropout = terms.Dropout(model);
                Share = terms.Step(training, _dropout).Share(_parameters);
                Run = new TrainingRun(model, _parameters, node.Examples, training, task.Seed,
                    terms.Sampler(node.Examples.Count, task.Units), TimeProvider.System);
                return;
            }
            _dropout = new torch.Generator(task.Seed, model.Device);
            Share = new PlainShare(_parameters, _dropout);
            Run = new TrainingRun(model, _parameters, node.Examples, training, task.Seed, null, TimeProvider.System);
        }

        public IReadOnlyDictionary<Projection, Projection> Layers { get; }

        public IStepShare Share { get; }

        public TrainingRun Run { get; }

        public LocalResult Result()
        {
            var trained = _parameters.Export();
            trained.RequireFinite();
            return new LocalResult(trained, _binding.Export(), Run.Summary);
        }

        public void Dispose()
        {
            Run.Dispose();
            (Share as IDisposable)?.Dispose();
            _dropout.Dispose();
            _parameters.Dispose();
            _binding.Dispose();
            foreach (var layer in Layers.Values)
                layer.Dispose();
        }
    }
}
