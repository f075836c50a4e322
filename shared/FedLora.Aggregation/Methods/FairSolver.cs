namespace FedLora.Aggregation;

/// <summary>
/// Minimises LoRA-FAIR's objective in r x r terms. With H = dW A^T and C = A A^T every stationary point X = Bbar + dB of
/// f(X) = 1 - &lt;H, X&gt; / (||dW|| sqrt(tr X C X^T)) + lambda ||X - Bbar||_F other than dB = 0 solves
/// X (b C + I) = a H + Bbar for some a, b >= 0 (set the gradient to zero and divide by lambda / ||dB||). In C's eigenbasis each column
/// of X is (a h_i + b_i) / (b c_i + 1), so f is a function of two numbers that costs O(r): a search over both finds the least. The cosine
/// knows no length, so each X is first brought to where it is nearest to Bbar; else a penalty too small to be seen beside the cosine (Bbar
/// below 1e-13) would leave the length to rounding.
/// </summary>
internal sealed class FairSolver
{
    private readonly double[] _c, _hh, _hb, _bb;
    private readonly double _norm, _lambda;

    private FairSolver(Matrix h, Matrix b, double[] c, double norm, double lambda)
    {
        (_c, _norm, _lambda) = (c, norm, lambda);
        _hh = Inner(h, h);
        _hb = Inner(h, b);
        _bb = Inner(b, b);
    }

    /// <summary>B of the cosine objective.</summary>
    /// <param name="b">Bbar, d_out x r.</param>
    /// <param name="at">Abar^T, d_in x r.</param>
    /// <param name="target">H = dW Abar^T, d_out x r.</param>
    /// <param name="norm">||dW||_F.</param>
    public static Matrix Cosine(Matrix b, Matrix at, Matrix target, double norm, double lambda)
    {
        var (v, c) = Eigen(at);
        var (h, centre) = (target.Times(v), b.Times(v));
        if (norm == 0 || c[0] == 0)
            return b;
        if (lambda == 0)
            return Recombine(h, centre, v, i => c[i] > 1e-12 * c[0] ? (1 / c[i], 0) : (0, 1));
        var solver = new FairSolver(h, centre, c, norm, lambda);
        var (alpha, beta) = solver.Search();
        var t = solver.Length(alpha, beta);
        return solver.Value(alpha, beta) < solver.Value(0, 0)
            ? Recombine(h, centre, v, i => (t * alpha / ((beta * c[i]) + 1), t / ((beta * c[i]) + 1))) : b;
    }

    /// <summary>B = Bbar + (dW - Bbar Abar) Abar^T (Abar Abar^T + lambda I)^-1.</summary>
    public static Matrix LeastSquares(Matrix b, Matrix at, Matrix target, double lambda)
    {
        var (v, c) = Eigen(at);
        var floor = Math.Max(lambda, 1e-12 * c[0]);
        return Recombine(target.Times(v), b.Times(v), v,
            i => c[i] + lambda >= floor && c[i] + lambda > 0 ? (1 / (c[i] + lambda), lambda / (c[i] + lambda)) : (0, 1));
    }

    // C = A A^T = V diag(c) V^T, from the SVD of A^T so that small c keep their digits.
    private static (Matrix V, double[] C) Eigen(Matrix at)
    {
        var svd = new JacobiSvd(new Householder(at).R());
        return (svd.V, [.. svd.Singular.Select(s => s * s)]);
    }

    private static Matrix Recombine(Matrix h, Matrix b, Matrix v, Func<int, (double H, double B)> factors)
    {
        var x = new Matrix(h.Rows, h.Columns);
        for (var i = 0; i < h.Columns; i++)
        {
            var (fh, fb) = factors(i);
            Vectors.AddScaled(fh, h.Column(i), x.Column(i));
            Vectors.AddScaled(fb, b.Column(i), x.Column(i));
        }
        return x.Times(v.Transposed());
    }

    private static double[] Inner(Matrix x, Matrix y) =>
        [.. Enumerable.Range(0, x.Columns).Select(i => Vectors.Dot(x.Column(i), y.Column(i)))];

    // t >= 0 for which t X is nearest to Bbar: <X, Bbar> / ||X||^2.
    private double Length(double a, double b)
    {
        var (inner, square) = (0.0, 0.0);
        for (var i = 0; i < _c.Length; i++)
        {
            var d = (b * _c[i]) + 1;
            inner += ((a * _hb[i]) + _bb[i]) / d;
            square += ((a * a * _hh[i]) + (2 * a * _hb[i]) + _bb[i]) / (d * d);
        }
        return inner > 0 && square > 0 ? inner / square : 0;
    }

    private double Value(double a, double b)
    {
        var (inner, square, distance, t) = (0.0, 0.0, 0.0, Length(a, b));
        for (var i = 0; i < _c.Length; i++)
        {
            var d = (b * _c[i]) + 1;
            var (ta, left) = (t * a, t - d);
            inner += ((a * _hh[i]) + _hb[i]) / d;
            square += _c[i] * ((a * a * _hh[i]) + (2 * a * _hb[i]) + _bb[i]) / (d * d);
            distance += ((ta * ta * _hh[i]) + (2 * ta * left * _hb[i]) + (left * left * _bb[i])) / (d * d);
        }
        var cosine = square > 0 && t > 0 ? inner / (_norm * Math.Sqrt(square)) : 0;
        return 1 - cosine + (_lambda * Math.Sqrt(Math.Max(0, distance)));
    }

    // Powers of four over all scales (a = b is least squares), then ever finer steps around the best: only exact factors and square
    // roots, so that every machine takes the same path.
    private (double A, double B) Search()
    {
        var best = (Value: Value(0, 0), A: 0.0, B: 0.0);
        for (var i = -30; i <= 60; i += 2)
        {
            for (var j = -30; j <= 60; j += 2)
                Try(Math.ScaleB(1, i) / _c[0], Math.ScaleB(1, j) / _c[0]);
            Try(Math.ScaleB(1, i) / _c[0], 0);
            Try(0, Math.ScaleB(1, i) / _c[0]);
        }
        for (var step = 4.0; step - 1 > 1e-9;)
        {
            var (before, a, b) = best;
            foreach (var factor in (ReadOnlySpan<double>)[step, 1 / step])
            {
                Try(a * factor, b);
                Try(a, b * factor);
                Try(a * factor, b * factor);
                Try(a * factor, b / factor);
            }
            if (best.Value >= before)
                step = Math.Sqrt(step);
        }
        return (best.A, best.B);

        void Try(double a, double b)
        {
            if (Value(a, b) is var value && value < best.Value)
                best = (value, a, b);
        }
    }
}
