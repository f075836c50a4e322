using FedLora.Training.Libtorch;
using TorchSharp;
using static FedLora.Training.Kernels.Scalars;

namespace FedLora.Simulations.Pretraining;

/// <summary>
/// Where word embeddings and the output bias start: at what counting tells. A masked-token model spends its first thousands of steps on
/// learning how frequent each token is and which tokens keep company; both can be computed in seconds.
/// </summary>
/// <param name="Embeddings">Vocabulary x width, row-major, with mean square <c>deviation^2</c>.</param>
/// <param name="Bias">Natural logarithm of each token's smoothed frequency, length vocabulary.</param>
public sealed record CooccurrenceStart(float[] Embeddings, float[] Bias)
{
    private const int Reach = 5;
    private const double ContextSmoothing = 0.75;
    private const int Iterations = 6;
    private const int Oversampling = 16;

    /// <summary>
    /// Factorises the positive pointwise mutual information M_ij = max(0, log(P(i, j) / (P(i) P_0.75(j)))) of tokens within 5 places of
    /// each other (weight 1 / distance): E = U sqrt(S) of M's leading singular triplets (Levy, Goldberg and Dagan, TACL 2015, sections 2
    /// and 3; randomised subspace iteration as in Halko, Martinsson and Tropp, SIAM Review 2011, algorithm 4.4).
    /// </summary>
    /// <param name="texts">Windows of token ids with their weights.</param>
    /// <param name="vocabulary">Number of tokens.</param>
    /// <param name="width">Numbers per token, at most <paramref name="vocabulary"/>.</param>
    /// <param name="deviation">Root mean square of the embeddings' entries.</param>
    /// <param name="seed">Of the subspace that the iteration starts from.</param>
    public static CooccurrenceStart Of(IEnumerable<(double Weight, int[] Window)> texts, int vocabulary, int width, double deviation,
        int seed)
    {
        var pairs = new float[vocabulary * vocabulary];
        var single = new double[vocabulary];
        foreach (var (weight, window) in texts)
            Count(weight, window, vocabulary, pairs, single);
        Associate(pairs, vocabulary);
        var total = single.Sum();
        return new CooccurrenceStart(
            Factorise(pairs, vocabulary, width, deviation, seed),
            [.. single.Select(count => (float)Math.Log((count + (total / vocabulary * 1e-3)) / total))]);
    }

    private static void Count(double weight, int[] window, int vocabulary, float[] pairs, double[] single)
    {
        for (var i = 1; i < window.Length - 1; i++)
        {
            single[window[i]] += weight;
            for (var j = i + 1; j <= Math.Min(i + Reach, window.Length - 2); j++)
            {
                var share = (float)(weight / (j - i));
                pairs[(window[i] * vocabulary) + window[j]] += share;
                pairs[(window[j] * vocabulary) + window[i]] += share;
            }
        }
    }

    private static void Associate(float[] pairs, int vocabulary)
    {
        var rows = Enumerable.Range(0, vocabulary)
            .Select(i => pairs.AsSpan(i * vocabulary, vocabulary).ToArray().Sum(value => (double)value)).ToArray();
        var smoothed = rows.Select(sum => Math.Pow(sum, ContextSmoothing)).ToArray();
        var all = smoothed.Sum();
        for (var i = 0; i < vocabulary; i++)
        {
            for (var j = 0; j < vocabulary; j++)
            {
                ref var value = ref pairs[(i * vocabulary) + j];
                value = value > 0 ? (float)Math.Max(0, Math.Log(value * all / (rows[i] * smoothed[j]))) : 0;
            }
        }
    }

    private static float[] Factorise(float[] association, int vocabulary, int width, double deviation, int seed)
    {
        LibtorchLoader.EnsureLoaded();
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        var random = new Random(seed);
        var columns = Math.Min(vocabulary, width + Oversampling);
        var matrix = torch.tensor(association, [vocabulary, vocabulary]);
        var basis = torch.tensor(Enumerable.Range(0, vocabulary * columns).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray(),
            [vocabulary, columns]);
        for (var i = 0; i < Iterations; i++)
        {
            var orthogonal = torch.linalg.qr(matrix.matmul(basis)).Q;
            basis = i == Iterations - 1 ? orthogonal : matrix.t().matmul(orthogonal);
        }
        var (u, s, _) = torch.linalg.svd(basis.t().matmul(matrix), fullMatrices: false);
        var found = basis.matmul(u.narrow(1, 0, width)).mul(s.narrow(0, 0, width).sqrt());
        found = found.mul(Held(deviation / Math.Sqrt(found.Squared().mean().item<float>())));
        return found.contiguous().data<float>().ToArray();
    }
}
