namespace FedLora.Aggregation;

/// <summary>What a method can and cannot do.</summary>
/// <param name="Exact">The new product equals the weighted mean of the nodes' products, apart from rounding.</param>
/// <param name="Equation">The server's step in one line.</param>
public sealed record MethodTraits(bool Exact, string Equation)
{
    /// <summary>Nodes may train different ranks.</summary>
    public bool MixesRanks { get; init; }

    /// <summary>Nodes of smaller ranks use the scale of the largest, since their factors are parts of its.</summary>
    public bool SharesScale { get; init; }

    /// <summary>Rounds may yield a fold, a product that nodes add to their base weights for good.</summary>
    public bool Folds { get; init; }

    /// <summary>Every round makes the factors anew, so that an entry of one round is not the same coordinate in the next.</summary>
    public bool MakesFactorsAnew { get; init; }

    /// <summary>The names of the options that this method looks at, as files and messages write them, beside that of the head.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>Every node ends with an adapter of its own, so the coordinator has none to export.</summary>
    public bool Personalised { get; init; }

    /// <summary>The initial adapter is computed from the base model's weights, by whoever has them (the server has not).</summary>
    public bool StartsFromWeights { get; init; }

    /// <summary>The head may be frozen (<see cref="HeadPolicy.Frozen"/>), as in the method's paper.</summary>
    public bool MayFreezeHead { get; init; }
}
