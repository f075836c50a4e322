namespace FedLora.Training.Running;

/// <summary>Chooses the next token by a model's logits.</summary>
public static class Sampler
{
    /// <summary>The likeliest token, or one drawn from softmax(logits / temperature) within the nucleus.</summary>
    public static int Choose(ReadOnlySpan<float> logits, GenerationSettings settings, Random random)
    {
        if (settings.Temperature == 0)
            return System.Numerics.Tensors.TensorPrimitives.IndexOfMax(logits);
        var nucleus = Nucleus(logits, settings.Temperature, settings.TopP);
        var point = random.NextDouble() * nucleus.Sum(token => token.Weight);
        foreach (var (token, weight) in nucleus)
        {
            point -= weight;
            if (point < 0)
                return token;
        }
        return nucleus[^1].Token;
    }

    /// <summary>
    /// The likeliest tokens that together have probability p, the fewest that do (Holtzman et al. 2019, arXiv 1904.09751), by falling
    /// weight, of equal ones the lower first; all, in their order, for p = 1.
    /// </summary>
    /// <param name="logits">At least one.</param>
    /// <param name="temperature">Above 0.</param>
    /// <param name="topP">Above 0, at most 1.</param>
    /// <returns>Tokens, and weights in proportion to their probabilities.</returns>
    public static IReadOnlyList<(int Token, double Weight)> Nucleus(ReadOnlySpan<float> logits, double temperature, double topP)
    {
        var highest = System.Numerics.Tensors.TensorPrimitives.Max(logits);
        var (weights, total) = (new double[logits.Length], 0.0);
        for (var i = 0; i < weights.Length; i++)
            total += weights[i] = Math.Exp((logits[i] - highest) / temperature);
        // All tokens below this have less than 1 - p together, so that none of them is within: only the few above need sorting.
        var least = (1 - topP) / logits.Length * total;
        var tokens = new List<(int Token, double Weight)>();
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] >= least)
                tokens.Add((i, weights[i]));
        }
        if (topP == 1)
            return tokens;
        tokens.Sort((a, b) => a.Weight != b.Weight ? b.Weight.CompareTo(a.Weight) : a.Token.CompareTo(b.Token));
        var (kept, sum) = (0, 0.0);
        while (kept < tokens.Count && sum < topP * total)
            sum += tokens[kept++].Weight;
        return tokens[..kept];
    }
}
