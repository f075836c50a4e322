namespace FedLora.Aggregation.Tests;

/// <summary>U S V^T of a product by Gram matrices, against full products in float64.</summary>
public sealed class GramSplitTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(5, 4, 3)]
    [InlineData(64, 64, 8)]
    [InlineData(130, 70, 16)]
    [InlineData(40, 200, 9)]
    public void TheProductStaysAndItsFactorsAreTheSvds(int dOut, int dIn, int rank)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var (b, a) = (Array.ConvertAll(Factor(dOut * rank, seed), v => v / 3.0), Factor(dIn * rank, 100 + seed));
            var before = Naive.Multiply(b, Doubles(a), dOut, rank, dIn);
            var (newB, newA, squares) = Split(b, a, rank, measure: true)!.Value;
            var after = Naive.Multiply(Doubles(newB), Doubles(newA), dOut, rank, dIn);

            // What it says of itself is what it does: this is far below what a difference of squares in float64 could tell.
            var (distance, norm) = (Naive.Distance(before, after), Naive.Norm(before));
            Assert.InRange(distance, 0, 1e-7 * norm);
            Assert.Equal(distance, Math.Sqrt(squares.Difference), 0.02 * distance);
            Assert.Equal(norm, Math.Sqrt(squares.Whole), 1e-9 * norm);

            for (var p = 0; p < rank; p++)
            {
                var row = newA.AsSpan(p * dIn, dIn).ToArray();
                Assert.True(row.MaxBy(Math.Abs) > 0);
                for (var q = 0; q < rank; q++)
                {
                    Assert.Equal(p == q ? 1 : 0, Enumerable.Range(0, dIn).Sum(j => (double)row[j] * newA[(q * dIn) + j]), 1e-6);
                    var inner = Enumerable.Range(0, dOut).Sum(i => (double)newB[(i * rank) + p] * newB[(i * rank) + q]);
                    Assert.True(p == q || Math.Abs(inner) <= 1e-6 * norm * norm);
                }
            }
        }
    }

    [Fact]
    public void MeasuringChangesNoBit()
    {
        var (b, a) = (Array.ConvertAll(Factor(70 * 6, 1), v => (double)v), Factor(90 * 6, 2));
        var (one, two) = (Split(b, a, 6, measure: true)!.Value, Split(b, a, 6, measure: false)!.Value);
        Assert.Equal(one.A, two.A);
        Assert.Equal(one.B, two.B);
    }

    [Theory]
    [InlineData(0.0, 1.0)]
    [InlineData(1.0, 0.0)]
    [InlineData(1e-6, 1.0)]
    [InlineData(1.0, 1e-7)]
    public void WhereSquaringLosesDigitsItSaysSo(double lastOfB, double lastOfA)
    {
        const int Rank = 4;
        var (b, a) = (Array.ConvertAll(Factor(50 * Rank, 3), v => (double)v), Factor(60 * Rank, 4));
        for (var i = 0; i < 50; i++)
            b[(i * Rank) + Rank - 1] *= lastOfB;
        // The last row of A is nearly the one before it.
        for (var j = 0; j < 60; j++)
            a[(60 * (Rank - 1)) + j] = (float)(a[(60 * (Rank - 2)) + j] + (lastOfA * a[(60 * (Rank - 1)) + j]));
        Assert.Null(Split(b, a, Rank, measure: true));
    }

    private static (float[] B, float[] A, (double Difference, double Whole) Squares)? Split(double[] b, float[] a, int rank, bool measure)
    {
        var (newB, newA) = (new float[b.Length], new float[a.Length]);
        return GramSplit.Of(b, a, rank, measure, newB, newA) is { } squares ? (newB, newA, squares) : null;
    }

    private static double[] Doubles(float[] values) => Array.ConvertAll(values, v => (double)v);

    private static float[] Factor(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }
}
