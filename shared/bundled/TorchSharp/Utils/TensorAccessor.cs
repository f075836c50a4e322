using System.Collections;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace TorchSharp.Utils;

/// <summary>Reads and writes a CPU tensor's elements in row-major order, whatever its strides. Keeps the tensor alive.</summary>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T> where T : unmanaged
{
    private readonly long[] _shape;
    private readonly long[] _strides;
    private readonly bool _contiguous;
    private Tensor? _tensor;
    private T* _data;

    internal TensorAccessor(Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU)
            throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
        (_tensor, _shape, _strides, _contiguous) = (tensor, tensor.shape, tensor.stride(), tensor.is_contiguous());
        _data = (T*)tensor.Data;
        Count = tensor.numel();
    }

    public long Count { get; private set; }

    public bool IsReadOnly => false;

    public T this[params long[] indices]
    {
        get => Base()[Offset(indices)];
        set => Base()[Offset(indices)] = value;
    }

    public T[] ToArray()
    {
        var result = new T[Count];
        CopyTo(result);
        return result;
    }

    public Array ToNDArray()
    {
        if (_shape.Length < 2)
            return ToArray();
        var array = Array.CreateInstance(typeof(T), _shape);
        var handle = GCHandle.Alloc(array, GCHandleType.Pinned);
        try
        {
            CopyTo(new Span<T>((void*)handle.AddrOfPinnedObject(), checked((int)Count)));
        }
        finally
        {
            handle.Free();
        }
        return array;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var count = Range(array.Length, arrayIndex, tensorIndex);
        if (_contiguous)
        {
            new ReadOnlySpan<T>(Base() + tensorIndex, count).CopyTo(array[arrayIndex..]);
            return;
        }
        for (var k = 0; k < count; k++)
            array[arrayIndex + k] = Base()[OffsetOf(tensorIndex + k)];
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var count = Range(array.Length, arrayIndex, tensorIndex);
        if (_contiguous)
        {
            array.Slice(arrayIndex, count).CopyTo(new Span<T>(Base() + tensorIndex, count));
            return;
        }
        for (var k = 0; k < count; k++)
            Base()[OffsetOf(tensorIndex + k)] = array[arrayIndex + k];
    }

    public static bool operator ==(TensorAccessor<T> left, TensorAccessor<T> right) => left.Count == right.Count && left.SequenceEqual(right);

    public static bool operator !=(TensorAccessor<T> left, TensorAccessor<T> right) => !(left == right);

    public override bool Equals(object? obj) => obj is TensorAccessor<T> other && this == other;

    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

    public void Dispose()
    {
        _data = null;
        _tensor = null;
        Count = 0;
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (long k = 0; k < Count; k++)
            yield return this[k];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private T* Base() => _tensor is { IsInvalid: false } ? _data : throw new ObjectDisposedException(nameof(TensorAccessor<T>));

    // How many elements a copy moves: until the array or the tensor ends.
    private int Range(int length, int arrayIndex, long tensorIndex)
    {
        if (Count == 0)
            return 0;
        if (tensorIndex < 0 || tensorIndex >= Count)
            throw new ArgumentOutOfRangeException(nameof(tensorIndex));
        return (int)Math.Max(0, Math.Min(length - arrayIndex, Count - tensorIndex));
    }

    private long Offset(long[] indices)
    {
        if (indices.Length == 1)
        {
            if (indices[0] >= Count)
                throw new IndexOutOfRangeException();
            return OffsetOf(indices[0]);
        }
        long offset = 0;
        for (var k = _shape.Length - 1; k >= 0; k--)
        {
            if (indices[k] >= _shape[k] || indices[k] < 0)
                throw new IndexOutOfRangeException($"{indices[k]} >= {_shape[k]} in dimension {k}.");
            offset += indices[k] * _strides[k];
        }
        return offset;
    }

    private long OffsetOf(long index)
    {
        if (index < 0 || index >= Count)
            throw new ArgumentOutOfRangeException(nameof(index), $"{index} in a collection of {Count} elements.");
        if (_contiguous)
            return index;
        long offset = 0;
        for (var k = _shape.Length - 1; k >= 0; k--)
        {
            index = Math.DivRem(index, _shape[k], out var position);
            offset += position * _strides[k];
        }
        return offset;
    }
}
