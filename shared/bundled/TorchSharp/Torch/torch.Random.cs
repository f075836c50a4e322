using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static Tensor rand(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => Drawn("rand.generator", size, dtype, device, requires_grad, generator, names);

    public static Tensor rand(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand(size.ToArray(), dtype, device, requires_grad, generator, names);

    public static Tensor rand(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand(new long[] { size }, dtype, device, requires_grad, generator, names);

    public static Tensor rand(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand(new long[] { rows, columns }, dtype, device, requires_grad, generator, names);

    public static Tensor rand(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand(new long[] { dim0, dim1, dim2 }, dtype, device, requires_grad, generator, names);

    public static Tensor rand(long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand(new long[] { dim0, dim1, dim2, dim3 }, dtype, device, requires_grad, generator, names);

    public static Tensor rand(int size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand(new long[] { size }, dtype, device, requires_grad, generator, names);

    public static Tensor rand(int rows, int columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand(new long[] { rows, columns }, dtype, device, requires_grad, generator, names);

    public static Tensor rand(int dim0, int dim1, int dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand(new long[] { dim0, dim1, dim2 }, dtype, device, requires_grad, generator, names);

    public static Tensor rand(int dim0, int dim1, int dim2, int dim3, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => rand(new long[] { dim0, dim1, dim2, dim3 }, dtype, device, requires_grad, generator, names);

    public static Tensor randn(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => Drawn("randn.generator", size, dtype, device, requires_grad, generator, names);

    public static Tensor randn(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn(size.ToArray(), dtype, device, requires_grad, generator, names);

    public static Tensor randn(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn(new long[] { size }, dtype, device, requires_grad, generator, names);

    public static Tensor randn(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn(new long[] { rows, columns }, dtype, device, requires_grad, generator, names);

    public static Tensor randn(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn(new long[] { dim0, dim1, dim2 }, dtype, device, requires_grad, generator, names);

    public static Tensor randn(long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn(new long[] { dim0, dim1, dim2, dim3 }, dtype, device, requires_grad, generator, names);

    public static Tensor randn(int size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn(new long[] { size }, dtype, device, requires_grad, generator, names);

    public static Tensor randn(int rows, int columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn(new long[] { rows, columns }, dtype, device, requires_grad, generator, names);

    public static Tensor randn(int dim0, int dim1, int dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn(new long[] { dim0, dim1, dim2 }, dtype, device, requires_grad, generator, names);

    public static Tensor randn(int dim0, int dim1, int dim2, int dim3, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randn(new long[] { dim0, dim1, dim2, dim3 }, dtype, device, requires_grad, generator, names);

    private static Tensor Drawn(string name, long[] size, ScalarType? dtype, Device? device, bool requires_grad, Generator? generator, string[]? names)
    {
        Unnamed(names);
        return Aten.Call(name, size, generator, dtype ?? s_defaultType, Arg.None, InitializeDevice(device)).Graded(requires_grad);
    }

    public static Tensor randint(long low, long high, Size size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null)
    {
        Unnamed(names);
        return Aten.Call("randint.low_generator", low, high, size.Shape, generator, dtype ?? ScalarType.Int64, Arg.None, InitializeDevice(device)).Graded(requires_grad);
    }

    public static Tensor randint(long high, Size size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randint(0, high, size, dtype, device, requires_grad, generator, names);

    public static Tensor randint(long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randint(0, high, new Size(size), dtype, device, requires_grad, generator, names);

    public static Tensor randint(long low, long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) => randint(low, high, new Size(size), dtype, device, requires_grad, generator, names);

    public static Tensor randperm(long n, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) => Aten.Call("randperm.generator", n, generator, dtype ?? ScalarType.Int64, Arg.None, InitializeDevice(device)).Graded(requires_grad);

    public static Tensor normal(double mean, double std, ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) =>
        randn(size, dtype, device, false, generator, names).mul_(std).add_(mean).requires_grad_(requires_grad);

    public static Tensor normal(Tensor mean, Tensor std, Generator? generator = null) => Aten.Call("normal.Tensor_Tensor", mean, std, generator);

    public static Tensor bernoulli(Tensor input, Generator? generator = null) => input.bernoulli(generator);

    public static Tensor multinomial(Tensor input, long num_samples, bool replacement = false, Generator? generator = null) => input.multinomial(num_samples, replacement, generator);

    public static Tensor rand_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => input.rand_like(dtype, device, requires_grad);

    public static Tensor randn_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => input.randn_like(dtype, device, requires_grad);

    public static Generator manual_seed(long seed) => random.manual_seed(seed);

    public static long seed() => random.seed();
}
