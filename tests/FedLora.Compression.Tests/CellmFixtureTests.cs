using System.Text.Json;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Tests;

namespace FedLora.Compression.Tests;

/// <summary>Rounds of CELLM as FLASC's code runs them, against the fixture: every round goes through the codec, as on the wire.</summary>
[Trait("Category", "Fixtures")]
public sealed class CellmFixtureTests
{
    private const string Name = "base_model.model.m.lora_A.weight";

    public static TheoryData<string> Cases() => [.. Fixtures.Files("aggregation", "cellm*.json")];

    [FixtureTheory("aggregation", "cellm*.json")]
    [MemberData(nameof(Cases))]
    public void Rounds_equal_the_reference(string file)
    {
        var path = Fixtures.PathOf("aggregation", file);
        var meta = JsonDocument.Parse(File.ReadAllText(path)).RootElement;
        using var tensors = SafetensorsFile.Open(Path.ChangeExtension(path, ".safetensors"));
        var densities = meta.GetProperty("densities").EnumerateArray().Select(pair => (Down: pair[0].GetDouble(), Up: pair[1].GetDouble()))
            .ToArray();
        for (var i = 0; i < densities.Length; i++)
            Run(tensors, i, densities[i].Down, densities[i].Up, meta.GetProperty("rounds").GetInt32(),
                meta.GetProperty("clients").GetInt32());
    }

    private static void Run(SafetensorsFile tensors, int configuration, double down, double up, int rounds, int clients)
    {
        var weights = tensors.ReadFloats("start");
        var layout = new VectorLayout([(Name, [1, weights.Length])]);
        var adam = new FedAdam();
        FedAdamState? state = null;
        for (var round = 0; round < rounds; round++)
        {
            var start = ThroughTheWire(SparseCommunication.SelectDown(layout, weights, down, perFactor: false), layout);
            Assert.Equal((int)tensors.ReadFloats($"expected.{configuration}.{round}.down_nonzero")[0], start.Count(entry => entry != 0));

            var sum = new double[weights.Length];
            for (var client = 0; client < clients; client++)
            {
                var trained = tensors.ReadFloats($"step.{round}.{client}").Zip(start, (step, from) => from + step).ToArray();
                var (change, _) = SparseCommunication.SelectUp(start, trained, up, default);
                var received = ThroughTheWire(change, layout);
                for (var i = 0; i < sum.Length; i++)
                    sum[i] += received[i];
            }

            var aggregate = weights.Zip(sum, (weight, change) => (float)(weight + (change / clients))).ToArray();
            (var global, state) = adam.Step(layout.Unflatten(weights), layout.Unflatten(aggregate), Factors.A, state);
            weights = layout.Flatten(global);

            var expected = tensors.ReadFloats($"expected.{configuration}.{round}.server");
            var tolerance = 1e-5 * expected.Max(Math.Abs);
            for (var i = 0; i < expected.Length; i++)
                Assert.True(Math.Abs(weights[i] - expected[i]) <= tolerance,
                    $"configuration {configuration}, round {round}, entry {i}: {weights[i]} instead of {expected[i]}");
        }
    }

    private static float[] ThroughTheWire(SparseVector vector, VectorLayout layout) =>
        SparseCodec.Decode(SparseCodec.Encode(vector, ValueFormat.F32, layout.Digest.Span), layout.Length, layout.Digest.Span).ToDense();
}
