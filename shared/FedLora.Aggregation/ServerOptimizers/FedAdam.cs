using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>What FedAdam remembers between rounds; stored beside the global adapter and part of a replay.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Mean">m, a tensor for each one that is optimised.</param>
/// <param name="Root">sqrt(v), likewise: a float32 holds the root of every v that float32 gradients make, and neither v of a large nor of a
/// tiny one.</param>
public sealed record FedAdamState(int Step, AdapterState Mean, AdapterState Root);

/// <summary>
/// The server's own optimiser (Reddi et al. 2021, arXiv 2003.00295; as FLASC uses it: PyTorch's AdamW with decoupled decay, Loshchilov and
/// Hutter 2019). The gradient is g = P - aggregate, the mean of the nodes' negative changes:
/// P (1 - lr w) - lr m' / (sqrt(v') + eps), m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, m' = m / (1 - b1^t), v' = v / (1 - b2^t).
/// </summary>
/// <param name="LearningRate">lr, above 0.</param>
/// <param name="Beta1">b1, in [0, 1).</param>
/// <param name="Beta2">b2, in [0, 1).</param>
/// <param name="Epsilon">eps, above 0.</param>
/// <param name="WeightDecay">w, at least 0.</param>
public sealed record FedAdam(double LearningRate = 1e-3, double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8,
    double WeightDecay = 0.01)
{
    /// <summary>One step; a pure function. Tensors that the nodes did not send keep the aggregate's value.</summary>
    /// <param name="current">The global adapter before the round.</param>
    /// <param name="aggregate">What the method made of the updates.</param>
    /// <param name="sent">The factors that the nodes sent.</param>
    /// <param name="state">After the last step; null before the first.</param>
    /// <exception cref="FedLoraException"><c>tensor-not-finite</c>: the step leaves float32's range.</exception>
    public (AdapterState Global, FedAdamState State) Step(AdapterState current, AdapterState aggregate, Factors sent, FedAdamState? state)
    {
        var step = (state?.Step ?? 0) + 1;
        var means = new List<AdapterTensor>();
        var roots = new List<AdapterTensor>();
        var optimised = new List<AdapterTensor>();
        foreach (var tensor in current.Only(sent))
        {
            var mean = state?.Mean[tensor.Name].Values.ToArray() ?? new float[tensor.Values.Length];
            var root = state?.Root[tensor.Name].Values.ToArray() ?? new float[tensor.Values.Length];
            optimised.Add(tensor with { Values = Step(tensor.Values, aggregate[tensor.Name].Values, mean, root, step) });
            means.Add(tensor with { Values = mean });
            roots.Add(tensor with { Values = root });
        }

        var next = new FedAdamState(step, new AdapterState(means), new AdapterState(roots));
        foreach (var part in (ReadOnlySpan<AdapterState>)[new(optimised), next.Mean, next.Root])
            part.RequireFinite();
        return (aggregate.With(optimised), next);
    }

    private float[] Step(float[] current, float[] aggregate, float[] mean, float[] root, int step)
    {
        var meanScale = 1 / (1 - Math.Pow(Beta1, step));
        var squareScale = 1 / (1 - Math.Pow(Beta2, step));
        var next = new float[current.Length];
        for (var i = 0; i < current.Length; i++)
        {
            var gradient = (double)current[i] - aggregate[i];
            var m = (Beta1 * mean[i]) + ((1 - Beta1) * gradient);
            var v = (Beta2 * root[i] * root[i]) + ((1 - Beta2) * gradient * gradient);
            next[i] =
                (float)((current[i] * (1 - (LearningRate * WeightDecay)))
                    - (LearningRate * m * meanScale / (Math.Sqrt(v * squareScale) + Epsilon)));
            mean[i] = (float)m;
            root[i] = (float)Math.Sqrt(v);
        }

        return next;
    }
}
