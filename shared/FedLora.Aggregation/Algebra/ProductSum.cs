namespace FedLora.Aggregation;

/// <summary>
/// A sum of products f B A of one module. While their ranks add up to less than a full matrix has they lie side by side,
/// [f_1 B_1, f_2 B_2, ...] [A_1; A_2; ...]; beyond, the sum itself is the smaller thing to hold, and it stands beside an identity.
/// </summary>
internal sealed class ProductSum : IDisposable
{
    private const int Batch = 256;
    private readonly Matrix? _whole;
    private readonly int _threads;
    private Matrix _b, _at;
    private int _filled;

    /// <param name="dOut">Rows of B.</param>
    /// <param name="dIn">Columns of A.</param>
    /// <param name="ranks">The ranks of all products to come, added up; at least 1.</param>
    /// <param name="threads">How many may work on one product; the result does not depend on it.</param>
    public ProductSum(int dOut, int dIn, int ranks, int threads = 1)
    {
        _threads = threads;
        _whole = ranks > Math.Min(dOut, dIn) ? new Matrix(dOut, dIn) : null;
        var width = _whole is null ? ranks : Math.Min(ranks, Batch);
        (_b, _at) = (new Matrix(dOut, width), new Matrix(dIn, width));
    }

    /// <summary>Bytes that a sum of these sizes holds.</summary>
    public static long Bytes(int dOut, int dIn, int ranks) =>
        8L * (ranks > Math.Min(dOut, dIn) ? ((long)dOut * dIn) + ((long)Batch * (dOut + dIn)) : (long)ranks * (dOut + dIn));

    /// <summary>Adds a product; in the order of calls.</summary>
    public void Add(NodeProduct product)
    {
        for (var k = 0; k < product.B.Columns; k++)
        {
            if (_filled == _b.Columns)
                Flush();
            product.B.Column(k).CopyTo(_b.Column(_filled));
            if (product.Factor != 1)
                Vectors.Scale(product.Factor, _b.Column(_filled));
            product.At.Column(k).CopyTo(_at.Column(_filled));
            _filled++;
        }
    }

    /// <summary>
    /// The sum as one product of factor 1, once all are added: of their ranks added up, at most of a full matrix's. It lives as long as
    /// this does.
    /// </summary>
    public NodeProduct Product()
    {
        if (_whole is null)
            return new(_b, _at, 1);
        if (_filled > 0)
        {
            Flush();
            Dispose();
            var (side, share) = (Math.Min(_whole.Rows, _whole.Columns), Share(_whole));
            using var identity = Matrix.Identity(side, side);
            (_b, _at) = _whole.Rows < _whole.Columns
                ? (identity.Times(share), _whole.Transposed().Times(1 / share))
                : (_whole.Times(1 / share), identity.Times(share));
        }
        return new(_b, _at, 1);
    }

    // What of a sum beyond float32's range, where its two factors were within, goes to the identity: a power of two.
    private static double Share(Matrix whole)
    {
        var largest = whole.Largest();
        var exponent = largest > 0 ? Math.ILogB(largest) : 0;
        return Math.Abs(exponent) <= 60 ? 1 : Math.ScaleB(1, exponent / 2);
    }

    /// <summary>||sum||_F^2, once all are added.</summary>
    public double SquaredNorm()
    {
        Product();
        return _whole?.Inner(_whole) ?? LowRank.SquaredNorm(_b, _at);
    }

    /// <summary>Squared norms of what rounding the product to float32 changes, and of the whole, once all are added.</summary>
    public (double Difference, double Whole) Rounding()
    {
        var (b, at, _) = Product();
        using var lost = (_whole is { } whole && whole.Rows < whole.Columns ? at : b).Copy();
        using var rounded = lost.Copy();
        rounded.RoundToSingle();
        lost.Add(-1, rounded);
        // Beside an identity times a share, the norm is the share's times the factor's; A came as float32.
        return (_whole is null ? LowRank.SquaredNorm(lost, at) : Share(_whole) * Share(_whole) * lost.Inner(lost), SquaredNorm());
    }

    /// <summary>The best product of a rank, as <see cref="LowRank.Truncate"/> has it, once all are added.</summary>
    /// <returns>B = U S, A^T = V, and the squared norms of what is lost and of the whole.</returns>
    public (Matrix B, Matrix At, (double Lost, double Whole) Squares) Truncate(int rank)
    {
        var (b, at, _) = Product();
        if (_whole is not null && LeadingTriples.Of(_whole, rank) is { } leading)
        {
            var whole = _whole.Inner(_whole);
            return (leading.Us, leading.V, (Math.Max(0, whole - leading.Us.Inner(leading.Us)), whole));
        }
        var (newB, newAt, singular) = LowRank.Truncate(b, at, rank);
        return (newB, newAt, (singular.Skip(rank).Sum(s => s * s), singular.Sum(s => s * s)));
    }

    /// <summary>
    /// The sum as <see cref="Product"/> has it or, where its true rank makes that less than half as large, in factors of that rank, which
    /// are the caller's.
    /// </summary>
    public NodeProduct Shortest()
    {
        var (b, at, _) = Product();
        var widest = Math.Min(b.Columns, Math.Min(b.Rows, at.Rows)) / 2;
        if (_whole is { } whole)
        {
            using var turned = whole.Transposed();
            return TrueRank.Of(x => Tiles.Times(whole, x), x => Tiles.Times(turned, x), at.Rows, widest) ?? Product();
        }
        using var bt = b.Transposed();
        using var a = at.Transposed();
        return TrueRank.Of(x => Times(b, a, x), x => Times(at, bt, x), at.Rows, widest) ?? Product();

        static Matrix Times(Matrix outer, Matrix inner, Matrix x)
        {
            using var between = Tiles.Times(inner, x);
            return Tiles.Times(outer, between);
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _b.Dispose();
        _at.Dispose();
    }

    private void Flush()
    {
        var (b, at) = _filled == _b.Columns ? (_b, _at) : (_b.Resized(_b.Rows, _filled), _at.Resized(_at.Rows, _filled));
        Tiles.AddProduct(_whole!, b, at, _threads);
        _filled = 0;
    }
}
