using FedLora.Training.Data;

namespace FedLora.Training.Running;

/// <summary>
/// Texts longer than the window in windows that overlap, so that each token is predicted once, with as much before it as fits: as
/// transformers' guide "Perplexity of fixed-length models" does it. The first window's tokens are all predicted; each further window goes
/// on one stride later, and of it only what no window has predicted yet.
/// </summary>
public static class StridedWindows
{
    /// <summary>The windows of an example; the example itself where it fits into one.</summary>
    /// <param name="example">Of a causal language model, with labels.</param>
    /// <param name="window">Tokens of a window, at least 2.</param>
    /// <param name="stride">Tokens from window to window, 1 to <paramref name="window"/> - 1: a token has window - stride before it, or
    /// more, or the text's beginning.</param>
    /// <returns>In the text's order. A label of the text is a label of one window; those without any are left out.</returns>
    public static IEnumerable<Example> Split(Example example, int window, int stride)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(stride, window);
        var (tokens, labels) = (example.Tokens, example.Labels ?? []);
        if (tokens.Length <= window)
        {
            yield return example;
            yield break;
        }
        for (int begin = 0, told = 0; told < tokens.Length; begin += stride)
        {
            var end = Math.Min(begin + window, tokens.Length);
            var fresh = labels[begin..end];
            Array.Fill(fresh, Example.NoLabel, 0, told - begin);
            if (fresh.Any(label => label != Example.NoLabel))
                yield return new Example(tokens[begin..end]) { Labels = fresh };
            told = end;
        }
    }
}
