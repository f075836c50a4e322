namespace FedLora.Federations.Definitions;

/// <summary>What a definition says of training in a single round.</summary>
public static class TrainingTerms
{
    /// <summary>
    /// The training settings of one round. The schedule runs over all rounds: the rate of a round is its value at the round's start, and
    /// does not change within it.
    /// </summary>
    /// <param name="definition">The federation's.</param>
    /// <param name="round">From 1.</param>
    public static TrainingSpec TrainingOf(this FederationDefinition definition, int round) => definition.Training with
    {
        LearningRate = definition.Training.LearningRate
            * Share(definition.Training.Schedule, (round - 1) / (double)Math.Max(1, definition.Rounds)),
        Schedule = "constant",
    };

    /// <summary>What a schedule leaves of the learning rate.</summary>
    /// <param name="schedule">A word of <see cref="TrainingSpec.Schedule"/>: the rate stays, or falls to zero in a straight line or along
    /// half a cosine.</param>
    /// <param name="done">How much is over, 0 to 1.</param>
    public static double Share(string schedule, double done) => schedule switch
    {
        "constant" => 1,
        "linear" => 1 - done,
        "cosine" => (1 + Math.Cos(Math.PI * done)) / 2,
        _ => throw new InvalidOperationException($"{schedule} is no schedule."),
    };
}
