namespace FedLora.Aggregation;

/// <summary>X = L L^T of small symmetric matrices (Golub, Van Loan, alg. 4.2.1).</summary>
internal static class Cholesky
{
    /// <summary>L, lower triangular; null where X is not positive definite to twelve digits.</summary>
    public static Matrix? Of(Matrix x)
    {
        var l = new Matrix(x.Rows, x.Rows);
        for (var j = 0; j < x.Rows; j++)
        {
            for (var i = j; i < x.Rows; i++)
            {
                var sum = x[i, j];
                for (var k = 0; k < j; k++)
                    sum -= l[i, k] * l[j, k];
                if (i == j && !(sum > 1e-12 * x[j, j]))
                    return null;
                l[i, j] = i == j ? Math.Sqrt(sum) : sum / l[j, j];
            }
        }
        return l;
    }

    /// <summary>L^-T Y.</summary>
    public static Matrix SolveTransposed(Matrix l, Matrix y)
    {
        var x = y.Copy();
        for (var c = 0; c < y.Columns; c++)
        {
            for (var i = l.Rows - 1; i >= 0; i--)
            {
                for (var k = i + 1; k < l.Rows; k++)
                    x[i, c] -= l[k, i] * x[k, c];
                x[i, c] /= l[i, i];
            }
        }
        return x;
    }
}
