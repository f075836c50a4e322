using FedLora.Adapters;
using FedLora.Tests;

namespace FedLora.Aggregation.Tests;

public sealed class FedSbInitTests
{
    /// <summary>
    /// LoRA-SB's start, B R A = the best rank-r part of -1e-3 sign(G), as <c>fed-sb.safetensors</c> of the models has it.
    /// </summary>
    [Fact]
    [Trait("Category", "Fixtures")]
    public void LoraSbStartsAtTheFirstStepsBestPart()
    {
        foreach (var file in Fixtures.Files("models", "fed-sb.safetensors"))
        {
            using var fixture = SafetensorsFile.Open(Fixtures.PathOf("models", file));
            const string Prefix = "init.", Suffix = ".gradient";
            foreach (var name in fixture.Tensors.Keys.Where(
                k => k.StartsWith(Prefix, StringComparison.Ordinal) && k.EndsWith(Suffix, StringComparison.Ordinal)))
            {
                var module = name[Prefix.Length..^Suffix.Length];
                var shape = fixture.Entry(name).IntShape();
                var singular = Doubles(fixture, $"init.{module}.singular");
                var rank = singular.Length;
                foreach (var alpha in (double[])[rank, 16])
                {
                    var layout = new AdapterLayout([new AdapterModule(module, shape[0], shape[1])], rank, alpha, []);
                    var state = Methods.Get("fed-sb")
                        .Initialize(layout, new MethodOptions { Init = FedSbInit.LoraSb, InitStep = 1e-3 }, 0,
                            new Gradient(fixture.ReadFloats(name)));
                    AggregationCase.Near($"{file} {module} product", Doubles(fixture, $"init.{module}.product"),
                        Naive.Product(state, layout.Modules[0], layout.Scale));
                    var r = state[new AdapterKey(module, Factors.R).Name];
                    AggregationCase.Near($"{file} {module} singular", singular,
                        [.. Enumerable.Range(0, rank).Select(i => r.Values[(i * rank) + i] * layout.Scale)]);
                    RequireOrthonormal(state, module);
                }
            }
        }
    }

    [Theory]
    [InlineData(40, 30, 8)]
    [InlineData(30, 40, 30)]
    [InlineData(300, 260, 12)]
    [InlineData(260, 500, 24)]
    public void TheBasisOfTheWeightsSpansTheirLeadingVectors(int rows, int columns, int rank)
    {
        // Singular values 1/1, 1/2, 1/3, ...: as slow as in real weights.
        var random = new Random(rows + columns);
        var (u, v) = (Orthonormal(rows, Math.Min(rows, columns), random), Orthonormal(columns, Math.Min(rows, columns), random));
        var weights = new float[rows * columns];
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
            {
                for (var k = 0; k < u.Count; k++)
                    weights[(i * columns) + j] += (float)(u[k][i] * v[k][j] / (k + 1));
            }
        }
        var layout = new AdapterLayout([new AdapterModule("m", rows, columns)], rank, rank, []);
        var state = Methods.Get("fed-sb").Initialize(layout, MethodOptions.Default, 0, new Gradient(weights));
        RequireOrthonormal(state, "m");
        Assert.All(state[new AdapterKey("m", Factors.R).Name].Values, value => Assert.Equal(0, value));
        var (b, a) = (state[new AdapterKey("m", Factors.B).Name], state[new AdapterKey("m", Factors.A).Name]);
        // ||B^T W A^T||_F^2 is the energy that the basis captures.
        var projected = 0.0;
        for (var p = 0; p < rank; p++)
        {
            for (var q = 0; q < rank; q++)
            {
                var inner = 0.0;
                for (var i = 0; i < rows; i++)
                {
                    for (var j = 0; j < columns; j++)
                        inner += b.Values[(i * rank) + p] * (double)weights[(i * columns) + j] * a.Values[(q * columns) + j];
                }
                projected += inner * inner;
            }
        }
        var best = Enumerable.Range(1, rank).Sum(k => 1.0 / k / k);
        Assert.InRange(projected, best * (1 - 1e-3), best * (1 + 1e-5));
    }

    [Fact]
    public void WeightsThatAreNotFiniteAreRefusedByName()
    {
        var layout = new AdapterLayout([new AdapterModule("layers.3.q", 2, 2)], 1, 1, []);
        var error = Assert.Throws<FedLoraException>(
            () => Methods.Get("fed-sb").Initialize(layout, MethodOptions.Default, 0, new Gradient([1, 2, float.NaN, 4])));
        Assert.Equal("tensor-not-finite", error.Code);
        Assert.Contains("layers.3.q", error.Message, StringComparison.Ordinal);
    }

    private static void RequireOrthonormal(AdapterState state, string module)
    {
        var (b, a) = (state[new AdapterKey(module, Factors.B).Name], state[new AdapterKey(module, Factors.A).Name]);
        for (var p = 0; p < a.Rows; p++)
        {
            for (var q = 0; q < a.Rows; q++)
            {
                var rows = Enumerable.Range(0, a.Columns).Sum(j => (double)a.Values[(p * a.Columns) + j] * a.Values[(q * a.Columns) + j]);
                var columns = Enumerable.Range(0, b.Rows).Sum(i => (double)b.Values[(i * b.Columns) + p] * b.Values[(i * b.Columns) + q]);
                Assert.Equal(p == q ? 1 : 0, rows, 1e-5);
                Assert.Equal(p == q ? 1 : 0, columns, 1e-5);
            }
        }
    }

    private static List<double[]> Orthonormal(int length, int count, Random random)
    {
        var vectors = new List<double[]>();
        while (vectors.Count < count)
        {
            var v = new double[length];
            for (var i = 0; i < length; i++)
                v[i] = random.NextDouble() - 0.5;
            for (var pass = 0; pass < 2; pass++)
            {
                foreach (var other in vectors)
                {
                    var inner = 0.0;
                    for (var i = 0; i < length; i++)
                        inner += v[i] * other[i];
                    for (var i = 0; i < length; i++)
                        v[i] -= inner * other[i];
                }
            }
            var norm = Naive.Norm(v);
            vectors.Add(Array.ConvertAll(v, x => x / norm));
        }
        return vectors;
    }

    private static double[] Doubles(SafetensorsFile file, string name) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(file.Bytes(name)).ToArray();

    private sealed class Gradient(float[] values) : IWeightSource
    {
        public void Read(AdapterModule module, Span<float> matrix) => values.CopyTo(matrix);
    }
}
