namespace FedLora.Adapters;

/// <summary>One named float32 tensor of an adapter. The arrays are not copied: whoever made them leaves them alone from then on.</summary>
/// <param name="Name">PEFT's key, see <see cref="AdapterKey"/>.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Values">Row-major values, as many as the shape says.</param>
public sealed record AdapterTensor(string Name, int[] Shape, float[] Values)
{
    /// <summary>Rows of a matrix, or the length of a vector.</summary>
    public int Rows => Shape[0];

    /// <summary>Columns of a matrix.</summary>
    public int Columns => Shape[1];

    /// <summary>How many values a shape holds.</summary>
    public static int Count(ReadOnlySpan<int> shape)
    {
        var count = 1;
        foreach (var size in shape)
            count = checked(count * size);
        return count;
    }

    /// <summary>Refuses a NaN or an infinity.</summary>
    /// <exception cref="FedLoraException"><c>tensor-not-finite</c>, naming the tensor and the place.</exception>
    public void RequireFinite()
    {
        for (var i = 0; i < Values.Length; i++)
        {
            if (!float.IsFinite(Values[i]))
                throw new FedLoraException("tensor-not-finite", $"Tensor '{Name}' holds {Values[i]} at index {i}.",
                    "The training that made it diverged: lower the learning rate, or leave this update out.");
        }
    }
}
