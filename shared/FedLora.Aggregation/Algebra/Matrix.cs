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
        for (var j = 0; j < right.Columns; j++)
        {
            for (var k = 0; k < columns; k++)
            {
                if (right[k, j] is not 0 and var factor)
                    Vectors.AddScaled(factor, Column(k), product.Column(j));
            }
        }
        return product;
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
        for (var j = 0; j < right.Columns; j++)
        {
            for (var i = 0; i < columns; i++)
                product[i, j] = Vectors.Dot(Column(i), right.Column(j));
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
}
