using System.Collections.Concurrent;
using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>A round's updates read across: one tensor of all nodes at a time, nodes in their order.</summary>
internal sealed class RoundTensors
{
    private readonly UpdateSet _updates;
    private readonly AggregationOptions _options;
    private readonly CancellationToken _cancellationToken;
    private readonly (string Name, int[] Shape)[] _tensors;

    public RoundTensors(IFederatedMethod method, UpdateSet updates, AggregationOptions options, CancellationToken cancellationToken)
    {
        (_updates, _options, _cancellationToken) = (updates, options, cancellationToken);
        var sent = method.Sent(options.Round, options.Method);
        _tensors = [.. options.Layout.Tensors(sent)];
        foreach (var update in updates)
        {
            using var reader = update.Open();
            options.Layout.Require(reader.Shapes, sent, $"the update of node '{update.Node}'");
        }
    }

    /// <summary>||T_k - start||_2 over all tensors sent, of every node.</summary>
    public double[] ChangeNorms(AdapterState start)
    {
        var squares = new double[_updates.Count];
        foreach (var (name, _, values) in Across())
        {
            var origin = start[name].Values;
            Parallel.For(0, squares.Length, Threads, k => squares[k] += Squared(values[k], origin));
        }
        return [.. squares.Select(Math.Sqrt)];
    }

    /// <summary>||T_i - T_j||_2^2 over all tensors sent, of every two nodes.</summary>
    public double[,] SquaredDistances()
    {
        var distances = new double[_updates.Count, _updates.Count];
        foreach (var (_, _, values) in Across())
        {
            Parallel.For(0, values.Length, Threads, i =>
            {
                for (var j = 0; j < i; j++)
                    distances[i, j] = distances[j, i] += Squared(values[i], values[j]);
            });
        }
        return distances;
    }

    /// <summary>Every tensor sent, each entry made of that entry's values at all nodes.</summary>
    /// <param name="centre">Of an entry's values, which it may sort.</param>
    public IEnumerable<AdapterTensor> Map(Func<Span<float>, float> centre)
    {
        foreach (var (name, shape, values) in Across())
        {
            var result = new float[values[0].Length];
            Parallel.ForEach(Partitioner.Create(0, result.Length), Threads, range =>
            {
                var entry = new float[values.Length];
                for (var i = range.Item1; i < range.Item2; i++)
                {
                    for (var k = 0; k < entry.Length; k++)
                        entry[k] = values[k][i];
                    result[i] = centre(entry);
                }
            });
            yield return new AdapterTensor(name, shape, result);
        }
    }

    private ParallelOptions Threads => new()
    {
        MaxDegreeOfParallelism = Math.Max(1, _options.Threads),
        CancellationToken = _cancellationToken,
    };

    private IEnumerable<(string Name, int[] Shape, float[][] Values)> Across()
    {
        foreach (var (name, shape) in _tensors)
        {
            var values = new float[_updates.Count][];
            for (var k = 0; k < values.Length; k++)
            {
                _cancellationToken.ThrowIfCancellationRequested();
                using var reader = _updates[k].Open();
                reader.Read(name, values[k] = new float[AdapterTensor.Count(shape)]);
                if (!Vectors.IsFinite(values[k]))
                    throw new FedLoraException("tensor-not-finite",
                        $"the update of node '{_updates[k].Node}' holds NaN or infinity in tensor '{name}'.",
                        "The node's training diverged: lower the learning rate, or leave this update out.");
            }
            yield return (name, shape, values);
        }
    }

    private static double Squared(float[] a, float[] b)
    {
        const int Piece = 4096;
        Span<double> difference = stackalloc double[Math.Min(Piece, a.Length)];
        var sum = 0.0;
        for (var start = 0; start < a.Length; start += Piece)
        {
            var piece = difference[..Math.Min(Piece, a.Length - start)];
            for (var i = 0; i < piece.Length; i++)
                piece[i] = (double)a[start + i] - b[start + i];
            sum += Vectors.Dot(piece, piece);
        }
        return sum;
    }
}
