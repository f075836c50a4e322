using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using FedLora.Training.Libtorch;
using FedLora.Training.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>
/// Products of float32 matrices by the faster of libtorch's two libraries. It multiplies float32 by MKL, which on processors that
/// are not Intel's leaves half of a vector's width unused, and bfloat16 by oneDNN, which looks at instructions alone: on an EPYC
/// with AVX-512 oneDNN's float32 products are more than twice as fast. None of libtorch's operations takes float32 there, so the
/// function beneath them is called; without it, and where it is slower, MKL computes.
/// </summary>
internal static unsafe class Products
{
    // at::native::mkldnn_matmul(Tensor const& mat1, Tensor const& mat2, Tensor const& result, float beta, float alpha):
    // result = beta result + alpha mat1 mat2. A libtorch whose function takes other types has it under another name.
    private const string Name = "_ZN2at6native13mkldnn_matmulERKNS_6TensorES3_S3_ff";

    /// <summary>Multiplications below which making a product ready costs more than it gains.</summary>
    private const long Least = 1 << 18;

    private static readonly delegate* unmanaged<nint, nint, nint, float, float, void> Multiply = Find();
    private static readonly Lazy<bool> PaysOff = new(() => IsThere && ComputeChoice.OneDnnRatio() > 1);

    /// <summary>Whether oneDNN can be called for float32.</summary>
    public static bool IsThere => Multiply is not null;

    /// <summary>a b.</summary>
    /// <param name="a">rows x k.</param>
    /// <param name="b">k x columns.</param>
    public static Tensor Times(this Tensor a, Tensor b)
    {
        if (!Serves(a, b))
            return a.mm(b);
        var result = empty([a.shape[0], b.shape[1]]);
        OneDnn(a, b, result, 0);
        return result;
    }

    /// <summary>place += a b; returns place.</summary>
    /// <param name="place">rows x columns, in one piece.</param>
    public static Tensor AddTimes(this Tensor place, Tensor a, Tensor b)
    {
        if (!Serves(a, b))
            return place.addmm_(a, b);
        OneDnn(a, b, place, 1);
        return place;
    }

    /// <summary>x W^T + b.</summary>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias)
    {
        using var flipped = weight.t();
        if (!Serves(x, flipped))
            return nn.functional.linear(x, weight, bias);
        var result = empty([x.shape[0], weight.shape[0]]);
        OneDnn(x, flipped, result, 0);
        return bias is null ? result : result.Plus(bias);
    }

    /// <summary>Time of a float32 product by MKL over that by oneDNN, the best of some turns; some 100 ms in all.</summary>
    public static double Measure()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var (a, b, place) = (randn([512, 1024]), randn([1024, 1024]), empty([512, 1024]));
        var (mkl, oneDnn) = (double.MaxValue, double.MaxValue);
        // The first of each makes things ready.
        for (var i = 0; i < 8; i++)
        {
            mkl = Math.Min(mkl, Seconds(() => a.mm(b).Dispose()));
            oneDnn = Math.Min(oneDnn, Seconds(() => OneDnn(a, b, place, 0)));
        }
        return mkl / oneDnn;
    }

    /// <summary>place = keep place + a b. Types and shapes must be right: what the function throws would end the process.</summary>
    private static void OneDnn(Tensor a, Tensor b, Tensor place, float keep)
    {
        Multiply(a.Handle, b.Handle, place.Handle, keep, 1);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(place);
    }

    private static bool Serves(Tensor a, Tensor b)
    {
        if (!IsThere || is_grad_enabled() || !IsFloatOnHost(a) || !IsFloatOnHost(b))
            return false;
        var (left, right) = (a.shape, b.shape);
        return left.Length == 2 && right.Length == 2 && left[1] == right[0] && left[0] * left[1] * right[1] >= Least
            && IsWhole(a, left) && IsWhole(b, right) && PaysOff.Value;
    }

    private static bool IsFloatOnHost(Tensor tensor) => tensor.dtype == ScalarType.Float32 && tensor.device_type == DeviceType.CPU;

    // Of anything else it would make a copy first.
    private static bool IsWhole(Tensor tensor, long[] shape) =>
        tensor.is_contiguous() || (tensor.stride() is [1, var column] && column == shape[0]);

    private static double Seconds(Action product)
    {
        var start = Stopwatch.GetTimestamp();
        product();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // It refuses processors without these instructions.
    private static delegate* unmanaged<nint, nint, nint, float, float, void> Find() =>
        OperatingSystem.IsLinux() && Avx512BW.VL.IsSupported && Avx512DQ.VL.IsSupported
            && NativeLibrary.TryGetExport(LibtorchLoader.EnsureLoaded(), Name, out var found)
            ? (delegate* unmanaged<nint, nint, nint, float, float, void>)found : null;
}
