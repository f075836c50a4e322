namespace FedLora.Aggregation.Tests;

/// <summary>Sums and leading triples where the factors are wider than the matrix.</summary>
public sealed class WideSumTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(16, 8, 128)]
    [InlineData(37, 29, 130)]
    [InlineData(100, 43, 257)]
    public void TilesAddTheProductInAnyNumberOfThreads(int rows, int columns, int inner)
    {
        var (left, right) = (Filled(rows, inner, 1), Filled(columns, inner, 2));
        var (one, many) = (Filled(rows, columns, 3), Filled(rows, columns, 3));
        Tiles.AddProduct(one, left, right, 1);
        Tiles.AddProduct(many, left, right, 3);
        var expected = Filled(rows, columns, 3);
        expected.AddProduct(left, right.Transposed());
        for (var j = 0; j < columns; j++)
        {
            Assert.Equal(one.Column(j).ToArray(), many.Column(j).ToArray());
            for (var i = 0; i < rows; i++)
                Assert.Equal(expected[i, j], one[i, j], 1e-12 * inner);
        }
    }

    [Theory]
    [InlineData(300, 260, 1.0, 0)]
    [InlineData(200, 333, 1e30, 0)]
    [InlineData(256, 256, 1e-30, 3)]
    [InlineData(256, 300, 1.0, 12)]
    public void LeadingTriplesAreThoseOfTheFullDecomposition(int rows, int columns, double scale, int realRank)
    {
        const int Rank = 6;
        using var m = realRank == 0 ? Filled(rows, columns, 5) : Filled(rows, realRank, 5).Times(Filled(realRank, columns, 6));
        using var scaled = m.Times(scale);
        var (us, v) = LeadingTriples.Of(scaled, Rank)!.Value;
        var (fullUs, fullV, singular) = LowRank.Truncate(scaled, Matrix.Identity(columns, columns), Rank);
        var difference = us.Times(v.Transposed()).Minus(fullUs.Times(fullV.Transposed()));
        Assert.InRange(Math.Sqrt(difference.Inner(difference)), 0, 1e-6 * singular[0]);
        var gram = v.Gram();
        for (var j = 0; j < Rank; j++)
        {
            Assert.Equal(1, gram[j, j], 1e-10);
            Assert.Equal(singular[j], Math.Sqrt(us.Gram()[j, j]), 1e-9 * singular[0]);
        }
    }

    [Theory]
    [InlineData(1e25f)]
    [InlineData(1e-25f)]
    [InlineData(3e37f)]
    public void LeadingTriplesOfLargeAndSmallWeightsAreThoseOfCommonOnes(float scale)
    {
        float[] Weights() =>
            [.. Enumerable.Range(0, 240 * 200).Select(i => (float)Math.Sin(i * 0.37) + (float)Math.Cos(i / 200 * (i % 200) * 0.01))];
        var common = LeadingSvd.Of(Weights(), 240, 200, 4, Random64.For(1, "x"));
        var (_, singular, v) = LeadingSvd.Of([.. Weights().Select(w => w * scale)], 240, 200, 4, Random64.For(1, "x"));
        for (var j = 0; j < 4; j++)
        {
            Assert.Equal(1, singular[j] / common.Singular[j] / scale, 1e-4);
            Assert.Equal(1, Math.Abs(Vectors.Dot(v.Column(j), common.V.Column(j))), 1e-3);
        }
    }

    private static Matrix Filled(int rows, int columns, int seed)
    {
        var (random, matrix) = (new Random(seed), new Matrix(rows, columns));
        for (var j = 0; j < columns; j++)
        {
            foreach (ref var value in matrix.Column(j))
                value = random.NextDouble() - 0.5;
        }
        return matrix;
    }
}
