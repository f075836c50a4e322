using FedLora.Training.Blocks;
using FedLora.Training.Data;

namespace FedLora.Training.Running;

/// <summary>What one step's forward and backward passes found.</summary>
/// <param name="Loss">The loss before the step, mean over its labels; NaN where there were none.</param>
/// <param name="Rows">Rows (tokens) that went through the model.</param>
public sealed record StepLoss(double Loss, int Rows);

/// <summary>Computes the gradient of a step: plainly, or per example, clipped and noised.</summary>
public interface IGradientStep
{
    /// <summary>Leaves in <see cref="ParameterSet.Gradient"/> what the optimiser shall apply.</summary>
    /// <param name="model">With its adapter on.</param>
    /// <param name="parameters">What is trained; its gradient is overwritten.</param>
    /// <param name="examples">The logical batch; may be empty.</param>
    /// <param name="cancellationToken">Looked at between micro-batches.</param>
    StepLoss Run(Transformer model, ParameterSet parameters, IReadOnlyList<Example> examples, CancellationToken cancellationToken);
}
