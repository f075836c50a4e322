using FedLora.Adapters;

namespace FedLora.Aggregation.Tests;

/// <summary>FedSVD where the product has fewer ranks than the factors.</summary>
public sealed class FedSvdEdgeTests
{
    public static TheoryData<string, Func<int, int, double>, Func<int, int, double>> Factorisations => new()
    {
        { "B zero", (_, _) => 0, (k, j) => Math.Sin((k * 7) + j) },
        { "first column of B only", (i, k) => k == 0 ? i + 1 : 0, (k, j) => Math.Sin((k * 7) + j) },
        { "columns of B equal", (i, _) => Math.Cos(i), (k, j) => Math.Sin((k * 7) + j) },
        { "rows of A equal", (i, k) => Math.Cos(i + (3 * k)), (_, j) => Math.Sin(j) },
        { "A zero", (i, k) => Math.Cos(i + (3 * k)), (_, _) => 0 },
        { "equal singular values", (i, k) => i == k ? 2 : 0, (k, j) => j == k ? 3 : 0 },
        { "tiny", (i, k) => 1e-30 * Math.Cos(i + (3 * k)), (k, j) => Math.Sin((k * 7) + j) },
        { "huge", (i, k) => 1e18 * Math.Cos(i + (3 * k)), (k, j) => Math.Sin((k * 7) + j) },
        { "graded", (i, k) => Math.Pow(10, -3 * k) * Math.Cos((i * (k + 1)) + k), (k, j) => Math.Sin((k * 7) + j) },
    };

    [Theory]
    [MemberData(nameof(Factorisations))]
    public void AStaysOrthonormalAndTheProductStaysTheSame(string name, Func<int, int, double> b, Func<int, int, double> a)
    {
        const int DOut = 11, DIn = 9, Rank = 4;
        var layout = new AdapterLayout([new AdapterModule("q", DOut, DIn)], Rank, Rank, []);
        AdapterTensor Make(Factors factor, int rows, int columns, Func<int, int, double> value) =>
            new(new AdapterKey("q", factor).Name, [rows, columns],
                [.. Enumerable.Range(0, rows * columns).Select(i => (float)value(i / columns, i % columns))]);
        var global = new AdapterState([Make(Factors.A, Rank, DIn, a), Make(Factors.B, DOut, Rank, (_, _) => 0)]);
        var update = new AdapterState([Make(Factors.B, DOut, Rank, b)]);
        var expected = Naive.Product(update, layout.Modules[0], fallback: global);
        for (var round = 1; round <= 3; round++)
        {
            global = Methods.Get("fedsvd")
                .Aggregate(global, new UpdateSet([new MemoryUpdate("a", 1, update)]),
                    new AggregationOptions(layout, MethodOptions.Default, round, 1), default).Global;
            var newA = global[new AdapterKey("q", Factors.A).Name];
            for (var p = 0; p < Rank; p++)
            {
                for (var q = 0; q < Rank; q++)
                    Assert.Equal(p == q ? 1 : 0,
                        Enumerable.Range(0, DIn).Sum(j => (double)newA.Values[(p * DIn) + j] * newA.Values[(q * DIn) + j]), 1e-6);
                var row = newA.Values.AsSpan(p * DIn, DIn).ToArray();
                Assert.True(row.MaxBy(Math.Abs) > 0, $"{name}: sign of row {p}");
            }
            AggregationCase.Near(name, expected, Naive.Product(global, layout.Modules[0]), 1e-6);
            update = global.Only(Factors.B);
        }
    }
}
