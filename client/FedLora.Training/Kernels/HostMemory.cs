using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>The memory of tensors on the CPU, for kernels that fuse what libtorch would do in many passes over memory.</summary>
internal static unsafe class HostMemory
{
    /// <summary>
    /// Whether kernels can read a tensor: on the CPU, its rows one after the other, float32 or bfloat16, less than 2 GiB.
    /// </summary>
    public static bool CanRead(Tensor tensor) =>
        tensor.device_type == DeviceType.CPU && tensor.dtype is ScalarType.Float32 or ScalarType.BFloat16 && tensor.is_contiguous()
            && tensor.numel() < int.MaxValue / 4;

    /// <summary>Where a tensor's elements begin. The memory is native and lives as long as the tensor.</summary>
    public static void* Of(Tensor tensor) => Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

    /// <summary>Where the elements of a float32 tensor begin.</summary>
    public static float* Floats(Tensor tensor)
    {
        if (tensor.dtype != ScalarType.Float32)
            throw new ArgumentException($"A kernel wants float32, not {tensor.dtype}.", nameof(tensor));
        return (float*)Of(tensor);
    }

    /// <summary>The elements of a float32 tensor on the CPU, as long as the tensor lives.</summary>
    public static ReadOnlySpan<float> Read(Tensor tensor) => new(Floats(tensor), checked((int)tensor.numel()));

    /// <summary>Runs a body for 0 to count - 1 on as many threads as libtorch uses, in ranges: body(first, end).</summary>
    /// <param name="count">How many items.</param>
    /// <param name="least">Items below which another thread is not worth its start.</param>
    public static void InRanges(long count, long least, Action<long, long> body)
    {
        var threads = (int)Math.Clamp(count / Math.Max(1, least), 1, get_num_threads());
        if (threads == 1)
            body(0, count);
        else
            OpenMpTeam.Run(threads, i => body(count * i / threads, count * (i + 1) / threads));
    }

    /// <summary>Runs a body for every item on as many threads as libtorch uses; each thread has a state of its own.</summary>
    public static void Each<T>(int count, Func<T> state, Action<int, T> body) where T : IDisposable
    {
        var threads = Math.Min(count, get_num_threads());
        if (threads <= 1)
        {
            using var only = state();
            for (var i = 0; i < count; i++)
                body(i, only);
            return;
        }
        var next = -1;
        OpenMpTeam.Run(threads, _ =>
        {
            using var mine = state();
            for (var i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
                body(i, mine);
        });
    }
}
