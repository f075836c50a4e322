namespace FedLora.Aggregation;

/// <summary>Products B A of thin factors, given as B (d_out x n) and A^T (d_in x n), without ever forming d_out x d_in.</summary>
internal static class LowRank
{
    /// <summary>
    /// The best product of a rank (Eckart, Young 1936): with B = Q_B R_B, A^T = Q_A R_A and R_B R_A^T = U S V^T it is
    /// (Q_B U S)(Q_A V)^T cut to that rank. Rows of the new A are orthonormal; the largest entry of each is positive.
    /// </summary>
    /// <param name="b">d_out x n.</param>
    /// <param name="at">d_in x n.</param>
    /// <param name="rank">
    /// Columns wanted. Where n is less, B goes on with zeros and A with more orthonormal rows, as far as d_in has room: were both zero,
    /// neither would ever have a gradient again.
    /// </param>
    /// <returns>B = U S, A^T = V, and all singular values.</returns>
    public static (Matrix B, Matrix At, double[] Singular) Truncate(Matrix b, Matrix at, int rank)
    {
        using var qb = new Householder(b);
        using var qa = new Householder(at);
        var core = qb.R().Times(qa.R().Transposed());
        var svd = new JacobiSvd(core);
        var kept = Math.Min(rank, core.Columns);
        var v = svd.V.Resized(core.Columns, kept);
        var complete = v.Resized(at.Rows, rank);
        for (var j = kept; j < Math.Min(rank, at.Rows); j++)
            complete[j, j] = 1;
        var (newB, newAt) = (qb.QTimes(core.Times(v)).Resized(b.Rows, rank), qa.QTimes(complete));
        FixSigns(newB, newAt);
        return (newB, newAt, svd.Singular);
    }

    /// <summary>
    /// Turns column pairs so that the entry of largest magnitude in each column of A^T (the first of equals) is positive.
    /// </summary>
    public static void FixSigns(Matrix b, Matrix at)
    {
        for (var j = 0; j < at.Columns; j++)
        {
            var column = at.Column(j);
            var largest = Vectors.Largest(column);
            if (column[largest] >= 0)
                continue;
            Vectors.Scale(-1, column);
            Vectors.Scale(-1, b.Column(j));
        }
    }

    /// <summary>The sum of the products of entries of two products: f g &lt;B^T B', A A'^T&gt;.</summary>
    public static double Inner(NodeProduct one, NodeProduct other) =>
        one.Factor * other.Factor * one.B.TransposedTimes(other.B).Inner(one.At.TransposedTimes(other.At));

    /// <summary>||B A||_F^2 = &lt;B^T B, A A^T&gt;, or row by row where n is so large that those would be the larger matrices.</summary>
    public static double SquaredNorm(Matrix b, Matrix at)
    {
        if (b.Columns <= 1024)
            return Math.Max(0, b.Gram().Inner(at.Gram()));
        var (sum, row) = (0.0, new double[at.Rows]);
        for (var i = 0; i < b.Rows; i++)
        {
            row.AsSpan().Clear();
            for (var n = 0; n < b.Columns; n++)
                Vectors.AddScaled(b[i, n], at.Column(n), row);
            sum += Vectors.Dot(row, row);
        }
        return sum;
    }
}
