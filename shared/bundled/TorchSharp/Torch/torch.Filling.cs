using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static Tensor full(long[] size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        Unnamed(names);
        return Aten.Call("full", size, value, dtype ?? TypeOf(value), Arg.None, InitializeDevice(device)).Graded(requires_grad);
    }

    public static Tensor full(ReadOnlySpan<long> size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full(size.ToArray(), value, dtype, device, requires_grad, names);

    public static Tensor full(long size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full(new long[] { size }, value, dtype, device, requires_grad, names);

    public static Tensor full(long rows, long columns, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full(new long[] { rows, columns }, value, dtype, device, requires_grad, names);

    public static Tensor full(long dim0, long dim1, long dim2, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full(new long[] { dim0, dim1, dim2 }, value, dtype, device, requires_grad, names);

    public static Tensor full(long dim0, long dim1, long dim2, long dim3, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full(new long[] { dim0, dim1, dim2, dim3 }, value, dtype, device, requires_grad, names);

    public static Tensor full(int size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full(new long[] { size }, value, dtype, device, requires_grad, names);

    public static Tensor full(int rows, int columns, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full(new long[] { rows, columns }, value, dtype, device, requires_grad, names);

    public static Tensor full(int dim0, int dim1, int dim2, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full(new long[] { dim0, dim1, dim2 }, value, dtype, device, requires_grad, names);

    public static Tensor full(int dim0, int dim1, int dim2, int dim3, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => full(new long[] { dim0, dim1, dim2, dim3 }, value, dtype, device, requires_grad, names);

    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
    {
        var type = dtype ?? (is_integral(start.Type) && is_integral(stop.Type) && is_integral(step.Type) ? ScalarType.Int64 : s_defaultType);
        return Aten.Call("arange.start_step", start, stop, step, type, Arg.None, InitializeDevice(device)).Graded(requires_grad);
    }

    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => arange(start, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => arange(0, stop, 1, dtype, device, requires_grad);

    public static Tensor linspace(double start, double end, long steps, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Aten.Call("linspace", (Scalar)start, (Scalar)end, steps, dtype ?? s_defaultType, Arg.None, InitializeDevice(device)).Graded(requires_grad);

    public static Tensor eye(long rows, long columns = -1L, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        Unnamed(names);
        return Aten.Call("eye.m", rows, columns == -1 ? rows : columns, dtype ?? s_defaultType, Arg.None, InitializeDevice(device)).Graded(requires_grad);
    }

    public static Tensor zeros_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        Unnamed(names);
        return input.zeros_like(dtype, device, requires_grad);
    }

    public static Tensor ones_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        Unnamed(names);
        return input.ones_like(dtype, device, requires_grad);
    }

    public static Tensor empty_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        Unnamed(names);
        return input.empty_like(dtype, device, requires_grad);
    }

    public static Tensor full_like(Tensor input, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        Unnamed(names);
        return input.full_like(value, dtype, device, requires_grad);
    }

    private static ScalarType TypeOf(Scalar value) => is_floating_point(value.Type) ? s_defaultType : value.Type;

    private static void Unnamed(string[]? names)
    {
        if (names is { Length: > 0 })
            throw new NotSupportedException("Named dimensions are not in the bundled subset of TorchSharp.");
    }
}
