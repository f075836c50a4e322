namespace FedLora.Aggregation.Tests;

/// <summary>Matrices whose memory was another's before.</summary>
public sealed class MatrixTests
{
    [Fact]
    public void ANewMatrixIsZeroWhateverItsMemoryHeld()
    {
        for (var round = 0; round < 3; round++)
        {
            using var matrix = new Matrix(33, 3);
            for (var j = 0; j < 3; j++)
            {
                Assert.Equal(new double[33], matrix.Column(j).ToArray());
                matrix.Column(j).Fill(7);
            }
        }
    }

    [Fact]
    public void MemoryGivenBackTwiceIsNotLentTwice()
    {
        var matrix = new Matrix(33, 3);
        matrix.Dispose();
        matrix.Dispose();
        using var one = new Matrix(33, 3);
        using var two = new Matrix(33, 3);
        one.Column(0).Fill(1);
        Assert.Equal(new double[33], two.Column(0).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.Column(0).Length);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(9, 17)]
    [InlineData(40, 8)]
    [InlineData(300, 3)]
    public void RowsAndColumnsComeBackAsTheyWere(int rows, int columns)
    {
        float[] values = [.. Enumerable.Range(0, rows * columns).Select(i => (float)Math.Sin(i))];
        using var fromRows = Matrix.FromRows(values, rows, columns);
        using var fromColumns = Matrix.FromColumns(values, rows, columns);
        Assert.Equal(values[((rows - 1) * columns) + columns - 1], fromRows[rows - 1, columns - 1]);
        Assert.Equal(values[(rows - 1) * columns], fromRows[rows - 1, 0]);
        Assert.Equal(values, fromRows.ToRows());
        Assert.Equal(values, fromColumns.ToColumns());
    }

    [Fact]
    public void TheLargestIsTheFirstOfEqualMagnitudes()
    {
        double[] values = [.. Enumerable.Repeat(0.5, 30), -2, 1, 2];
        Assert.Equal(30, Vectors.Largest(values));
        Assert.Equal(0, Vectors.Largest([0.0, 0.0]));
    }

    [Fact]
    public void RoundingInPlaceIsRoundingToFloat32()
    {
        using var matrix = Matrix.FromColumns((ReadOnlySpan<double>)[.. Enumerable.Range(1, 35).Select(i => 1.0 / i)], 35, 1);
        var rounded = matrix.ToColumns();
        matrix.RoundToSingle();
        Assert.Equal(Enumerable.Range(1, 35).Select(i => (float)(1.0 / i)), rounded);
        Assert.Equal(rounded.Select(value => (double)value), matrix.Column(0).ToArray());
    }
}
