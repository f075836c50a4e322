using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using static TorchSharp.torch;

namespace FedLora.Training.Lora;

/// <summary>
/// The base model's gradient by the weights of some modules, G = sum over batches of d(mean loss of the batch)/dW: what LoRA-SB
/// starts from (Ponkshe et al. 2024, arXiv 2411.19557). Only for public data: nothing here is private.
/// </summary>
public sealed class BaseGradients : IWeightSource
{
    private readonly Dictionary<string, float[]> _gradients = new(StringComparer.Ordinal);

    /// <summary>Runs all batches through the model without adapter.</summary>
    /// <param name="model">The base model.</param>
    /// <param name="modules">Whose weights.</param>
    /// <param name="batches">Public examples, batch by batch.</param>
    /// <param name="cancellationToken">Looked at between batches.</param>
    public BaseGradients(Transformer model, IEnumerable<AdapterModule> modules, IEnumerable<IReadOnlyList<Example>> batches,
        CancellationToken cancellationToken = default)
    {
        var wanted = modules.Select(m => (m.Name, Found: model.Find(m.Name) ?? throw AdapterBinding.Unknown(m.Name))).ToArray();
        // The gradient by a tied head is that of its own role, not of the embedding's too.
        var tied = wanted.Select(w => w.Found.Projection).Where(p => p.IsTied).Distinct().ToArray();
        Array.ForEach(tied, projection => projection.Untie());
        try
        {
            Run(model, wanted, batches, cancellationToken);
        }
        finally
        {
            Array.ForEach(tied, projection => projection.Tie());
        }
    }

    private void Run(Transformer model, (string Name, (Projection Projection, LinearPart Part) Found)[] wanted,
        IEnumerable<IReadOnlyList<Example>> batches, CancellationToken cancellationToken)
    {
        using var parameters = new ParameterSet(wanted.Select(w => w.Found.Projection.Weight).Distinct(), model.Device);
        var step = new Running.PlainStep(int.MaxValue, dropout: null);
        foreach (var batch in batches)
        {
            step.Run(model, parameters, batch, cancellationToken);
            foreach (var (name, (projection, part)) in wanted)
            {
                using var scope = NewDisposeScope();
                var gradient = parameters.Entries.Single(e => e.Slot == projection.Weight).Gradient.narrow(0, part.Offset, part.DOut).cpu()
                    .contiguous().data<float>().ToArray();
                if (!_gradients.TryGetValue(name, out var sum))
                    _gradients[name] = gradient;
                else
                    System.Numerics.Tensors.TensorPrimitives.Add(sum, gradient, sum);
            }
        }
    }

    /// <inheritdoc/>
    public void Read(AdapterModule module, Span<float> matrix) => _gradients[module.Name].CopyTo(matrix);
}
