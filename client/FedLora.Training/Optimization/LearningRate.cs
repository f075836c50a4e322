using FedLora.Federations.Definitions;

namespace FedLora.Training.Optimization;

/// <summary>The learning rate of every step: a straight line up over the warm-up, then the schedule.</summary>
/// <param name="Peak">The highest rate.</param>
/// <param name="Schedule">What follows the warm-up: a word of <see cref="TrainingSpec.Schedule"/>.</param>
/// <param name="WarmUpSteps">Steps until the peak.</param>
/// <param name="TotalSteps">Steps in all.</param>
public sealed record LearningRate(double Peak, string Schedule, int WarmUpSteps, int TotalSteps)
{
    /// <summary>As a definition states it, over its local steps.</summary>
    public static LearningRate Of(TrainingSpec training) => new(training.LearningRate, training.Schedule, 0, training.LocalSteps);

    /// <summary>The rate of a step, from 0.</summary>
    public double At(int step)
    {
        if (step < WarmUpSteps)
            return Peak * (step + 1) / (WarmUpSteps + 1);
        var done = TotalSteps <= WarmUpSteps ? 0 : Math.Min(1, (double)(step - WarmUpSteps) / (TotalSteps - WarmUpSteps));
        return Peak * TrainingTerms.Share(Schedule, done);
    }
}
