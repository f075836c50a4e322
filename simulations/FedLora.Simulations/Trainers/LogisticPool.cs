using FedLora.Simulations.Data;
using FedLora.Simulations.Nodes;
using FedLora.Simulations.Scenarios;

namespace FedLora.Simulations.Trainers;

/// <summary>Made-up examples: standard normal features, and the label that a hidden linear teacher with noise puts first.</summary>
internal sealed class LogisticPool
{
    private readonly float[] _features;
    private readonly byte[] _labels;

    public LogisticPool(ScenarioDefinition scenario, int classes)
    {
        (Width, Classes) = (scenario.Data.Features, classes);
        var random = new Random((int)Draw.Bits(scenario.Seed, Draws.Data, 2));
        var test = (int)(scenario.Data.Examples * scenario.Data.HeldOutShare);
        Count = scenario.Data.Examples + test;
        (_features, _labels) = (new float[(long)Count * Width], new byte[Count]);
        var teacher = new float[classes * Width];
        Fill(teacher, random);
        Fill(_features, random);
        Span<float> scores = stackalloc float[classes];
        for (var i = 0; i < Count; i++)
        {
            for (var c = 0; c < classes; c++)
                scores[c] = System.Numerics.Tensors.TensorPrimitives.Dot(Features(i),
                    teacher.AsSpan(c * Width, Width)) + (float)((random.NextDouble() - 0.5) * Math.Sqrt(Width));
            _labels[i] = (byte)System.Numerics.Tensors.TensorPrimitives.IndexOfMax(scores);
        }

        (Training, HeldOut) = ([.. Enumerable.Range(0, scenario.Data.Examples)], [.. Enumerable.Range(scenario.Data.Examples, test)]);
    }

    public int Width { get; }

    public int Classes { get; }

    public int Count { get; }

    public IReadOnlyList<int> Training { get; }

    public IReadOnlyList<int> HeldOut { get; }

    public ReadOnlySpan<float> Features(int example) => _features.AsSpan(example * Width, Width);

    public int ClassOf(int example) => _labels[example];

    public Deal Deal() => new(Training, ClassOf, null);

    // Sums of twelve uniform numbers: near enough to normal for a benchmark's data, and the same everywhere.
    private static void Fill(Span<float> values, Random random)
    {
        for (var i = 0; i < values.Length; i++)
        {
            var sum = -6.0;
            for (var j = 0; j < 12; j++)
                sum += random.NextDouble();
            values[i] = (float)sum;
        }
    }
}
