using System.Runtime.CompilerServices;

namespace FedLora.Aggregation;

/// <summary>A float64 matrix, column after column: made for tall, thin factors.</summary>
internal sealed class Matrix(int rows, int columns)
{
    private readonly double[] _data = new double[checked(rows * columns)];

    public int Rows => rows;

    public int Columns => columns;

    public double this[int row, int column]
    {
        get => _data[(column * rows) + row];
        set => _data[(column * rows) + row] = value;
    }

    public Span<double> Column(int column) => _data.AsSpan(column * rows, rows);

    public static Matrix Identity(int rows, int columns)
    {
        var matrix = new Matrix(rows, columns);
        for (var i = 0; i < Math.Min(rows, columns); i++)
            matrix[i, i] = 1;
        return matrix;
    }

    /// <summary>The matrix whose rows lie one after the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Matrix FromRows(ReadOnlySpan<float> values, int rows, int columns)
    {
        var matrix = new Matrix(rows, columns);
        for (var j = 0; j < columns; j++)
        {
            var column = matrix.Column(j);
            for (var i = 0; i < column.Length; i++)
                column[i] = values[(i * columns) + j];
        }
        return matrix;
    }

    /// <inheritdoc cref="FromRows(ReadOnlySpan{float}, int, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Matrix FromRows(ReadOnlySpan<double> values, int rows, int columns)
    {
        var matrix = new Matrix(rows, columns);
        for (var j = 0; j < columns; j++)
        {
            var column = matrix.Column(j);
            for (var i = 0; i < column.Length; i++)
                column[i] = values[(i * columns) + j];
        }
        return matrix;
    }

    /// <summary>The matrix whose columns lie one after the other, e.g. A^T from the rows of A.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Matrix FromColumns(ReadOnlySpan<float> values, int rows, int columns)
    {
        var matrix = new Matrix(rows, columns);
        for (var i = 0; i < matrix._data.Length; i++)
            matrix._data[i] = values[i];
        return matrix;
    }

    /// <inheritdoc cref="FromColumns(ReadOnlySpan{float}, int, int)"/>
    public static Matrix FromColumns(ReadOnlySpan<double> values, int rows, int columns)
    {
        var matrix = new Matrix(rows, columns);
        values.CopyTo(matrix._data);
        return matrix;
    }

    /// <summary>Matrices side by side, each times its factor.</summary>
    public static Matrix Stack(IReadOnlyList<(Matrix Part, double Factor)> parts)
    {
        var stack = new Matrix(parts[0].Part.Rows, parts.Sum(p => p.Part.Columns));
        var start = 0;
        foreach (var (part, factor) in parts)
        {
            Vectors.AddScaled(factor, part._data, stack._data.AsSpan(start));
            start += part._data.Length;
        }
        return stack;
    }

    /// <summary>float32 values, row by row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float[] ToRows()
    {
        var values = new float[_data.Length];
        for (var j = 0; j < columns; j++)
        {
            var column = Column(j);
            for (var i = 0; i < column.Length; i++)
                values[(i * columns) + j] = (float)column[i];
        }
        return values;
    }

    /// <summary>float32 values, column by column.</summary>
    public float[] ToColumns() => Vectors.Round(_data);

    /// <summary>This matrix with more rows or columns of zeros, or fewer of its own.</summary>
    public Matrix Resized(int newRows, int newColumns)
    {
        var resized = new Matrix(newRows, newColumns);
        for (var j = 0; j < Math.Min(columns, newColumns); j++)
            Column(j)[..Math.Min(rows, newRows)].CopyTo(resized.Column(j));
        return resized;
    }

    /// <summary>this * right.</summary>
    public Matrix Times(Matrix right)
    {
        var product = new Matrix(rows, right.Columns);
        product.AddProduct(this, right);
        return product;
    }

    /// <summary>this += left * right, without a matrix in between.</summary>
    public void AddProduct(Matrix left, Matrix right)
    {
        for (var j = 0; j < right.Columns; j++)
        {
            var factors = right.Column(j);
            var sum = Column(j);
            var k = 0;
            for (; k <= left.Columns - 4; k += 4)
                Vectors.AddScaled(factors[k], left.Column(k), factors[k + 1], left.Column(k + 1), factors[k + 2], left.Column(k + 2), factors[k + 3], left.Column(k + 3), sum);
            for (; k < left.Columns; k++)
                Vectors.AddScaled(factors[k], left.Column(k), sum);
        }
    }

    /// <summary>this * factor.</summary>
    public Matrix Times(double factor)
    {
        var product = new Matrix(rows, columns);
        Vectors.AddScaled(factor, _data, product._data);
        return product;
    }

    /// <summary>this - other.</summary>
    public Matrix Minus(Matrix other)
    {
        var difference = Resized(rows, columns);
        difference.Add(-1, other);
        return difference;
    }

    /// <summary>this^T * right.</summary>
    public Matrix TransposedTimes(Matrix right)
    {
        var product = new Matrix(columns, right.Columns);
        for (var j = 0; j < right.Columns; j += 2)
        {
            for (var i = 0; i < columns; i += 2)
                Dot2x2(product, i, j, right);
        }
        return product;
    }

    /// <summary>this^T * this.</summary>
    public Matrix Gram()
    {
        var product = new Matrix(columns, columns);
        for (var j = 0; j < columns; j += 2)
        {
            for (var i = 0; i <= j; i += 2)
                Dot2x2(product, i, j, this);
        }
        for (var j = 0; j < columns; j++)
        {
            for (var i = j + 1; i < columns; i++)
                product[i, j] = product[j, i];
        }
        return product;
    }

    public Matrix Transposed()
    {
        var transposed = new Matrix(columns, rows);
        for (var j = 0; j < columns; j++)
        {
            for (var i = 0; i < rows; i++)
                transposed[j, i] = this[i, j];
        }
        return transposed;
    }

    /// <summary>The sum of the products of entries.</summary>
    public double Inner(Matrix other) => Vectors.Dot(_data, other._data);

    /// <summary>this += factor * other, which may have fewer columns.</summary>
    public void Add(double factor, Matrix other) => Vectors.AddScaled(factor, other._data, _data);

    // An odd last column is paired with itself.
    private void Dot2x2(Matrix product, int i, int j, Matrix right)
    {
        var (i1, j1) = (Math.Min(i + 1, columns - 1), Math.Min(j + 1, right.Columns - 1));
        (product[i, j], product[i, j1], product[i1, j], product[i1, j1]) = Vectors.Dot2x2(Column(i), Column(i1), right.Column(j), right.Column(j1));
    }
}
