namespace FedLora.Aggregation.Tests;

/// <summary>Products a panel of rows at a time, against the obvious float64 computations.</summary>
public sealed class PanelTests
{
    public static TheoryData<int, int> Sizes => new()
    {
        { 1, 1 }, { 7, 3 }, { 8, 8 }, { 63, 5 }, { 64, 16 }, { 65, 16 }, { 200, 9 }, { 1000, 17 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void APanelComesBackAsItWasOfEitherOrder(int rows, int rank)
    {
        var (byRow, byColumn) = (Factor(rows, rank, 1), new float[rows * rank]);
        for (var i = 0; i < rows * rank; i++)
            byColumn[((i % rank) * rows) + (i / rank)] = byRow[i];
        var (back, turned) = (new float[rows * rank], new float[rows * rank]);
        using var one = Panels.Empty(rank);
        using var other = Panels.Empty(rank);
        for (var start = 0; start < rows; start += Panels.Length)
        {
            var count = Panels.Count(byRow.Length, rank, start);
            Assert.Equal(Math.Min(Panels.Length, rows - start), count);
            var values = Panels.FromRows(Array.ConvertAll(byRow, v => (double)v), rank, start, one)[..(count * one.Rows)];
            Assert.Equal(values.ToArray(), Panels.FromColumns(byColumn, rank, start, other)[..values.Length].ToArray());
            Panels.ToRows(other, count, back, rank, start);
            Panels.ToColumns(other, count, turned, rank, start);
        }
        Assert.Equal(byRow, back);
        Assert.Equal(byColumn, turned);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void ProductsAreThoseOfFullMatrices(int rows, int rank)
    {
        var (x, y, t) = (Doubles(rows, rank, 1), Doubles(rows, rank, 2), Doubles(rank, rank, 3));
        using var px = Panels.Empty(rank);
        using var py = Panels.Empty(rank);
        using var result = Panels.Empty(rank);
        using var by = Matrix.FromRows((ReadOnlySpan<double>)t, rank, rank);
        using var square = Panels.Square(rank, by);
        using var inner = Panels.Square(rank);
        using var half = Panels.Square(rank);
        var product = new double[rows * rank];
        for (var start = 0; start < rows; start += Panels.Length)
        {
            var count = Panels.Count(x.Length, rank, start);
            var (left, right) = (Panels.FromRows(y, rank, start, py).ToArray(), Panels.FromRows(x, rank, start, px).ToArray());
            Panels.Multiply(square, right, count, result);
            for (var i = 0; i < count; i++)
                result.Column(i)[..rank].CopyTo(product.AsSpan((start + i) * rank));
            Panels.AddOuter(left, right, count, inner);
            Panels.AddOuter(right, right, count, half);
        }
        using var gram = Panels.Symmetric(half, rank);
        // A row of the panel is x_i; t x_i is a row of X T^T.
        Near(Naive.Multiply(x, Turned(t, rank, rank), rows, rank, rank), product);
        Near(Naive.Multiply(Turned(y, rows, rank), x, rank, rows, rank), Entries(inner, rank));
        Near(Naive.Multiply(Turned(x, rows, rank), x, rank, rows, rank), Entries(gram, rank));
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(9, 5, 1)]
    [InlineData(8, 513, 2)]
    [InlineData(70, 40, 3)]
    [InlineData(64, 512, 4)]
    [InlineData(131, 1030, 16)]
    [InlineData(20, 33, 17)]
    public void TheImagesOfProbesAreThoseOfTheFullProduct(int dOut, int dIn, int rank)
    {
        const int Probes = 8;
        var (b, a) = (Factor(dOut, rank, 4), Factor(rank, dIn, 5));
        var w = Doubles(dIn, Probes, 6);
        using var probes = Matrix.FromRows((ReadOnlySpan<double>)w, dIn, Probes);
        using var sum = new Matrix(Probes, dOut);
        Sketch.Add(sum, 0.75, b, a, probes);
        Sketch.Add(sum, -0.25, b, a, probes);
        var full = Naive.Multiply(Array.ConvertAll(b, v => (double)v), Array.ConvertAll(a, v => (double)v), dOut, rank, dIn);
        var expected = Array.ConvertAll(Naive.Multiply(full, w, dOut, dIn, Probes), v => 0.5 * v);
        var images = new double[dOut * Probes];
        for (var i = 0; i < dOut; i++)
            sum.Column(i).CopyTo(images.AsSpan(i * Probes));
        Near(expected, images);
        var squares = Sketch.Squares(sum);
        for (var p = 0; p < Probes; p++)
            Assert.Equal(Enumerable.Range(0, dOut).Sum(i => expected[(i * Probes) + p] * expected[(i * Probes) + p]), squares[p],
                1e-9 * Math.Pow(Naive.Norm(expected), 2));
    }

    private static void Near(double[] expected, double[] actual) =>
        Assert.InRange(Naive.Distance(expected, actual), 0, 1e-13 * Math.Max(1, Naive.Norm(expected)));

    private static double[] Entries(Matrix matrix, int rank) =>
        [.. Enumerable.Range(0, rank * rank).Select(i => matrix[i / rank, i % rank])];

    private static double[] Turned(double[] x, int rows, int columns) =>
        [.. Enumerable.Range(0, rows * columns).Select(i => x[((i % rows) * columns) + (i / rows)])];

    private static float[] Factor(int rows, int columns, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, rows * columns).Select(_ => random.NextSingle() - 0.5f)];
    }

    private static double[] Doubles(int rows, int columns, int seed) => Array.ConvertAll(Factor(rows, columns, seed), v => v / 3.0);
}
