using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A tensor that shares the array's memory (until a conversion or another device needs a copy).</summary>
    public static Tensor from_array(Array rawArray, Device? device = null) =>
        from_array(rawArray, ToScalarType(rawArray.GetType().GetElementType()!), device ?? CPU);

    public static Tensor from_array(Array rawArray, ScalarType? dtype, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        Unnamed(names);
        var shape = new long[rawArray.Rank];
        for (var k = 0; k < shape.Length; k++)
            shape[k] = rawArray.GetLongLength(k);
        return Placed(Shared(rawArray, 0, shape), dtype, device).Graded(requires_grad);
    }

    /// <summary>A one-dimensional tensor over a part of the array; offset and count in elements.</summary>
    public static Tensor frombuffer(Array rawArray, ScalarType dtype, long count = -1, long offset = 0, bool requires_grad = false)
    {
        var length = rawArray.LongLength;
        if (offset < 0 || offset >= length)
            throw new ArgumentException($"invalid value for 'offset': {offset}");
        if (count < 0)
            count = length - offset;
        if (count > length - offset)
            throw new IndexOutOfRangeException($"element count is too large: {count}");
        return Placed(Shared(rawArray, offset, [count]), dtype, CPU).Graded(requires_grad);
    }

    private static Tensor Copied<T>(ReadOnlySpan<T> values, ReadOnlySpan<long> shape, ScalarType? dtype, Device? device, bool requires_grad, string[]? names)
        where T : unmanaged
    {
        Unnamed(names);
        var elements = 1L;
        foreach (var length in shape)
            elements *= length;
        if (elements > values.Length)
            throw new ArgumentException($"mismatched total size creating a tensor from an array: {elements} vs. {values.Length}");
        var tensor = empty(shape, ToScalarType(typeof(T)), CPU);
        unsafe
        {
            values[..(int)elements].CopyTo(new Span<T>((void*)tensor.Data, (int)elements));
        }
        return Placed(tensor, dtype, device).Graded(requires_grad);
    }

    private static Tensor Copied<T>(Array values, ScalarType? dtype, Device? device, bool requires_grad, string[]? names) where T : unmanaged
    {
        var shape = new long[values.Rank];
        for (var k = 0; k < shape.Length; k++)
            shape[k] = values.GetLongLength(k);
        var flat = MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(values)), values.Length);
        return Copied(flat, shape, dtype, device, requires_grad, names);
    }

    private static Tensor Placed(Tensor tensor, ScalarType? dtype, Device? device)
    {
        var type = dtype ?? tensor.dtype;
        var place = InitializeDevice(device);
        return type == tensor.dtype && place.type == DeviceType.CPU ? tensor : tensor.to(type, place, disposeAfter: true);
    }

    private static unsafe Tensor Shared(Array array, long offset, long[] shape)
    {
        var type = ToScalarType(array.GetType().GetElementType()!);
        var pin = GCHandle.Alloc(array, GCHandleType.Pinned);
        try
        {
            fixed (long* sizes = shape)
            {
                var data = pin.AddrOfPinnedObject() + (nint)(offset * type.ElementSize());
                Aten.Check(Native.shim_tensor_wrap(data, sizes, shape.Length, (long)type, &Unpin, GCHandle.ToIntPtr(pin), out var handle));
                return new Tensor(handle);
            }
        }
        catch
        {
            pin.Free();
            throw;
        }
    }

    [UnmanagedCallersOnly]
    private static void Unpin(nint pin) => GCHandle.FromIntPtr(pin).Free();
}
