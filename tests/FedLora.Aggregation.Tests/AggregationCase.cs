using System.Text.Json;
using FedLora.Adapters;
using FedLora.Tests;

namespace FedLora.Aggregation.Tests;

/// <summary>One case under <c>fixtures/aggregation</c>: what was put in, and what a naive float64 computation made of it.</summary>
public sealed class AggregationCase
{
    public const double Tolerance = 1e-5;

    private readonly Dictionary<string, double[]> _expected = new(StringComparer.Ordinal);
    private readonly AdapterState _tensors;
    private readonly int[] _ranks;
    private readonly long[] _examples;

    private AggregationCase(string file, IFederatedMethod method)
    {
        (File, Method) = (file, method);
        using var json = JsonDocument.Parse(System.IO.File.ReadAllBytes(Fixtures.PathOf("aggregation", file)));
        Json = json.RootElement.Clone();
        _examples = [.. Json.GetProperty("examples").EnumerateArray().Select(e => e.GetInt64())];
        _ranks = Json.TryGetProperty("ranks", out var ranks) ? [.. ranks.EnumerateArray().Select(r => r.GetInt32())]
            : [.. _examples.Select(_ => Json.GetProperty("r").GetInt32())];
        Layout = new AdapterLayout(
            [.. Json.GetProperty("modules").EnumerateObject()
                .Select(m => new AdapterModule(m.Name, m.Value[0].GetInt32(), m.Value[1].GetInt32()))],
            _ranks.Max(), Json.GetProperty("lora_alpha").GetDouble(), []);
        var path = Fixtures.PathOf("aggregation", Path.ChangeExtension(file, ".safetensors"));
        _tensors = AdapterState.Load(path);
        using var raw = SafetensorsFile.Open(path);
        foreach (var entry in raw.Tensors.Values.Where(t => t.Dtype == SafetensorsDtype.F64))
            _expected[entry.Name] = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(raw.Bytes(entry.Name)).ToArray();
    }

    public string File { get; }

    public IFederatedMethod Method { get; }

    public JsonElement Json { get; }

    public AdapterLayout Layout { get; }

    public IEnumerable<int> Ranks => _ranks.Distinct();

    /// <summary>Every case of a method: the file's name is the method's, or starts with it.</summary>
    public static IEnumerable<AggregationCase> Of(string method) => Fixtures.Files("aggregation", "*.json")
        .Where(file => Methods.All.Where(m => file.StartsWith(m.Name, StringComparison.Ordinal)).MaxBy(m => m.Name.Length)?.Name == method)
        .Select(file => new AggregationCase(file, Methods.Get(method)));

    public AggregationOptions Options(int round = 1, MethodOptions? method = null) =>
        new(Layout, method ?? MethodOptions.Default, round, 7);

    /// <summary>The global adapter; factors that the case does not give are zero.</summary>
    public AdapterState Global() =>
        new(Layout.Tensors(Factors.A | Factors.B)
            .Select(
                t => Tensor($"global.{Short(t.Name)}", t.Name)
                    ?? new AdapterTensor(t.Name, t.Shape, new float[AdapterTensor.Count(t.Shape)])));

    /// <summary>The updates with the tensors that the method sends in a round.</summary>
    public UpdateSet Updates(int round = 1) => new(_examples.Select((examples, k) => new MemoryUpdate($"node-{k:D3}", examples,
        new AdapterState(
            (Layout with { Rank = _ranks[k] }).Tensors(Method.Sent(round, MethodOptions.Default))
                .Select(t => Tensor($"update.{k}.{Short(t.Name)}", t.Name)!)))));

    public bool Has(string expected) => _expected.ContainsKey($"expected.{expected}");

    public double[] Expected(string name) => _expected[$"expected.{name}"];

    public void Equal(string name, ReadOnlySpan<double> actual) => Near($"{File} {name}", Expected(name), actual);

    public static void Near(string what, ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double tolerance = Tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        var largest = 0.0;
        foreach (var value in expected)
            largest = Math.Max(largest, Math.Abs(value));
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * largest,
                $"{what}[{i}]: {actual[i]} instead of {expected[i]} (largest {largest})");
    }

    private static string Short(string name) => AdapterKey.Parse(name) is var key ? $"{key.Module}.{key.Factor}" : "";

    private AdapterTensor? Tensor(string file, string name) => _tensors.TryGet(file, out var tensor) ? tensor with { Name = name } : null;
}
