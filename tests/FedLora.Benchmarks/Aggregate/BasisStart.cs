using System.Diagnostics;
using FedLora.Adapters;
using FedLora.Aggregation;

namespace FedLora.Benchmarks.Aggregate;

/// <summary>Fed-SB's start: the leading singular vectors of a base weight.</summary>
internal static class BasisStart
{
    /// <summary>Seconds for one square module.</summary>
    public static double Measure(int side, int rank)
    {
        var layout = new AdapterLayout([new AdapterModule("q", side, side)], rank, rank, []);
        var method = Methods.Get("fed-sb");
        var weights = new Noise(side);
        var start = Stopwatch.GetTimestamp();
        method.Initialize(layout, MethodOptions.Default, 1, weights);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // The flattest spectrum there is, and so the hardest to tell apart.
    private sealed class Noise : IWeightSource
    {
        private readonly float[] _values;

        public Noise(int side)
        {
            var random = new Random(1);
            _values = [.. Enumerable.Range(0, side * side).Select(_ => random.NextSingle() - 0.5f)];
        }

        public void Read(AdapterModule module, Span<float> matrix) => _values.CopyTo(matrix);
    }
}
