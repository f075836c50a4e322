using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace FedLora.Aggregation;

/// <summary>
/// A float64 matrix, column after column: made for tall, thin factors. Its memory comes from a pool: a server's step makes many matrices
/// of few sizes, and fresh memory costs more than the arithmetic. Who is done with one may give it back by <see cref="Dispose"/>; who
/// keeps it need not.
/// </summary>
internal sealed class Matrix : IDisposable
{
    // So many rows of thin factors stay in the nearest cache while all columns meet.
    private const int Block = 256;

    // At least as long as the matrix.
    private double[] _data;

    /// <summary>Zeros.</summary>
    public Matrix(int rows, int columns)
        : this(rows, columns, ArrayPool<double>.Shared.Rent(checked(rows * columns))) => Data.Clear();

    private Matrix(int rows, int columns, double[] data) => (Rows, Columns, _data) = (rows, columns, data);

    public int Rows { get; }

    public int Columns { get; }

    private Span<double> Data => _data.AsSpan(0, Rows * Columns);

    public double this[int row, int column]
    {
        get => _data[(column * Rows) + row];
        set => _data[(column * Rows) + row] = value;
    }

    public Span<double> Column(int column) => _data.AsSpan(column * Rows, Rows);

    /// <summary>All that lies from an entry on: the rest of its column, then the columns after it.</summary>
    public Span<double> From(int row, int column) => Data[((column * Rows) + row)..];

    /// <summary>Gives the memory back. The matrix is not used any more.</summary>
    public void Dispose()
    {
        if (_data.Length > 0)
            ArrayPool<double>.Shared.Return(_data);
        _data = [];
    }

    public static Matrix Identity(int rows, int columns)
    {
        var matrix = new Matrix(rows, columns);
        for (var i = 0; i < Math.Min(rows, columns); i++)
            matrix[i, i] = 1;
        return matrix;
    }

    /// <summary>The matrix whose rows lie one after the other.</summary>
    public static Matrix FromRows<T>(ReadOnlySpan<T> values, int rows, int columns)
        where T : unmanaged, INumberBase<T>
    {
        var matrix = Uncleared(rows, columns);
        Vectors.Transpose(values, matrix.Data, columns, rows);
        return matrix;
    }

    /// <summary>The matrix whose columns lie one after the other, e.g. A^T from the rows of A.</summary>
    public static Matrix FromColumns(ReadOnlySpan<float> values, int rows, int columns)
    {
        var matrix = Uncleared(rows, columns);
        Vectors.Widen(values, matrix.Data);
        return matrix;
    }

    /// <inheritdoc cref="FromColumns(ReadOnlySpan{float}, int, int)"/>
    public static Matrix FromColumns(ReadOnlySpan<double> values, int rows, int columns)
    {
        var matrix = Uncleared(rows, columns);
        values.CopyTo(matrix.Data);
        return matrix;
    }

    /// <summary>Matrices side by side, each times its factor.</summary>
    public static Matrix Stack(IReadOnlyList<(Matrix Part, double Factor)> parts)
    {
        var stack = new Matrix(parts[0].Part.Rows, parts.Sum(p => p.Part.Columns));
        var start = 0;
        foreach (var (part, factor) in parts)
        {
            Vectors.AddScaled(factor, part.Data, stack.Data[start..]);
            start += part.Data.Length;
        }
        return stack;
    }

    /// <summary>float32 values, row by row.</summary>
    public float[] ToRows()
    {
        var values = GC.AllocateUninitializedArray<float>(Rows * Columns);
        Vectors.Transpose<double, float>(Data, values, Rows, Columns);
        return values;
    }

    /// <summary>float32 values, column by column.</summary>
    public float[] ToColumns() => Vectors.Round(Data);

    /// <summary>Rounds every entry to the nearest float32, as it will be sent.</summary>
    public void RoundToSingle() => Vectors.RoundToSingle(Data);

    public Matrix Copy()
    {
        var copy = Uncleared(Rows, Columns);
        Data.CopyTo(copy.Data);
        return copy;
    }

    /// <summary>This matrix with more rows or columns of zeros, or fewer of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public Matrix Resized(int newRows, int newColumns)
    {
        var resized = new Matrix(newRows, newColumns);
        for (var j = 0; j < Math.Min(Columns, newColumns); j++)
            Column(j)[..Math.Min(Rows, newRows)].CopyTo(resized.Column(j));
        return resized;
    }

    /// <summary>this * right.</summary>
    public Matrix Times(Matrix right)
    {
        var product = new Matrix(Rows, right.Columns);
        product.AddProduct(this, right);
        return product;
    }

    /// <summary>this += left * right, without a matrix in between.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AddProduct(Matrix left, Matrix right)
    {
        for (var start = 0; start < Rows; start += Block)
        {
            var rows = start..Math.Min(Rows, start + Block);
            for (var j = 0; j < right.Columns; j++)
            {
                var factors = right.Column(j);
                var sum = Column(j)[rows];
                var k = 0;
                for (; k <= left.Columns - 4; k += 4)
                    Vectors.AddScaled(factors[k], left.Column(k)[rows], factors[k + 1], left.Column(k + 1)[rows], factors[k + 2],
                        left.Column(k + 2)[rows], factors[k + 3], left.Column(k + 3)[rows], sum);
                for (; k < left.Columns; k++)
                    Vectors.AddScaled(factors[k], left.Column(k)[rows], sum);
            }
        }
    }

    /// <summary>this * factor.</summary>
    public Matrix Times(double factor)
    {
        var product = new Matrix(Rows, Columns);
        Vectors.AddScaled(factor, Data, product.Data);
        return product;
    }

    /// <summary>this - other.</summary>
    public Matrix Minus(Matrix other)
    {
        var difference = Copy();
        difference.Add(-1, other);
        return difference;
    }

    /// <summary>this^T * right.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public Matrix TransposedTimes(Matrix right)
    {
        var product = new Matrix(Columns, right.Columns);
        for (var j = 0; j < right.Columns; j += 4)
        {
            for (var i = 0; i < Columns; i += 4)
                Dot4x4(product, i, j, right);
        }
        return product;
    }

    /// <summary>this^T * this.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public Matrix Gram()
    {
        var product = new Matrix(Columns, Columns);
        for (var j = 0; j < Columns; j += 4)
        {
            for (var i = 0; i <= j; i += 4)
                Dot4x4(product, i, j, this);
        }
        for (var j = 0; j < Columns; j++)
        {
            for (var i = j + 1; i < Columns; i++)
                product[i, j] = product[j, i];
        }
        return product;
    }

    public Matrix Transposed() => FromRows<double>(Data, Columns, Rows);

    /// <summary>The largest magnitude of an entry.</summary>
    public double Largest() => Data.IsEmpty ? 0 : Math.Abs(Data[Vectors.Largest(Data)]);

    /// <summary>The sum of the products of entries.</summary>
    public double Inner(Matrix other) => Vectors.Dot(Data, other.Data);

    /// <summary>this += factor * other, which may have fewer columns.</summary>
    public void Add(double factor, Matrix other) => Vectors.AddScaled(factor, other.Data, Data);

    // Columns beyond the last repeat it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Dot4x4(Matrix product, int i, int j, Matrix right)
    {
        var (lastI, lastJ) = (Columns - 1, right.Columns - 1);
        Span<double> products = stackalloc double[16];
        Vectors.Dot4x4(Column(i), Column(Math.Min(i + 1, lastI)), Column(Math.Min(i + 2, lastI)), Column(Math.Min(i + 3, lastI)),
            right.Column(j), right.Column(Math.Min(j + 1, lastJ)), right.Column(Math.Min(j + 2, lastJ)),
            right.Column(Math.Min(j + 3, lastJ)), products);
        for (var a = 0; a < Math.Min(4, Columns - i); a++)
        {
            for (var b = 0; b < Math.Min(4, right.Columns - j); b++)
                product[i + a, j + b] = products[(4 * a) + b];
        }
    }

    private static Matrix Uncleared(int rows, int columns) => new(rows, columns, ArrayPool<double>.Shared.Rent(checked(rows * columns)));
}
