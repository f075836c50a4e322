using FedLora.Training.Blocks;
using FedLora.Training.Data;
using static TorchSharp.torch;

namespace FedLora.Training.Running;

/// <summary>
/// One node's part of a step, whoever shares the passes with it: what its labels weigh in the loss, and what becomes of their gradients.
/// </summary>
internal interface IStepShare
{
    /// <summary>What it trains.</summary>
    ParameterSet Parameters { get; }

    /// <summary>Source of LoRA's dropout, or null for none.</summary>
    Generator? Dropout { get; }

    /// <summary>A step begins.</summary>
    /// <param name="labels">Labels of the whole logical batch.</param>
    void Begin(int labels);

    /// <summary>A pass begins that so many of its examples go through.</summary>
    /// <returns>What gathers their gradients, or null where they are added up as they come.</returns>
    IGradientTap? Open(int examples);

    /// <summary>The weight of each labelled row in the loss.</summary>
    /// <param name="labels">Labelled rows of each example in the pass.</param>
    float[] Weights(IReadOnlyList<int> labels);

    /// <summary>The pass has gone back.</summary>
    /// <param name="loss">The weighted sum of its rows' losses.</param>
    /// <param name="labels">Labelled rows of each example in the pass.</param>
    void Close(double loss, IReadOnlyList<int> labels);

    /// <summary>Leaves in <see cref="ParameterSet.Gradient"/> what the optimiser shall apply.</summary>
    /// <returns>The loss of the step, mean over its labels; NaN where there were none.</returns>
    double End();
}

/// <summary>Who goes through a step's passes.</summary>
/// <param name="Share">Its part.</param>
/// <param name="Examples">Its logical batch; may be empty.</param>
/// <param name="Layers">Its own stand-ins for the model's layers; null for one alone, whose adapter is on the model.</param>
internal sealed record StepMember(IStepShare Share, IReadOnlyList<Example> Examples, IReadOnlyDictionary<Projection, Projection>? Layers);
