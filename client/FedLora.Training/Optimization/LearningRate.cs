namespace FedLora.Training.Optimization;

/// <summary>How the rate goes on after the warm-up.</summary>
public enum RateSchedule
{
    Constant,

    /// <summary>Down to zero in a straight line.</summary>
    Linear,

    /// <summary>Down to zero along half a cosine.</summary>
    Cosine,
}

/// <summary>The learning rate of every step: a straight line up over the warm-up, then the schedule.</summary>
/// <param name="Peak">The highest rate.</param>
/// <param name="Schedule">What follows the warm-up.</param>
/// <param name="WarmUpSteps">Steps until the peak.</param>
/// <param name="TotalSteps">Steps in all.</param>
public sealed record LearningRate(double Peak, RateSchedule Schedule, int WarmUpSteps, int TotalSteps)
{
    /// <summary>The rate of a step, from 0.</summary>
    public double At(int step)
    {
        if (step < WarmUpSteps)
            return Peak * (step + 1) / (WarmUpSteps + 1);
        var done = TotalSteps <= WarmUpSteps ? 0 : Math.Min(1, (double)(step - WarmUpSteps) / (TotalSteps - WarmUpSteps));
        return Schedule switch
        {
            RateSchedule.Constant => Peak,
            RateSchedule.Linear => Peak * (1 - done),
            RateSchedule.Cosine => Peak * 0.5 * (1 + Math.Cos(Math.PI * done)),
            _ => throw new InvalidOperationException($"{Schedule} is no schedule."),
        };
    }
}
