using System.Runtime.InteropServices;

namespace TorchSharp.Interop;

/// <summary>Short-lived native memory for one call: a piece of the stack first, the heap when that is used up.</summary>
internal unsafe ref struct Scratch(byte* stack, int length)
{
    private readonly byte* _stack = stack;
    private readonly int _length = length;
    private int _used;
    private List<nint>? _heap;

    internal void* Take(int bytes)
    {
        bytes = (bytes + 7) & ~7;
        if (_used + bytes <= _length)
        {
            var place = _stack + _used;
            _used += bytes;
            return place;
        }
        var memory = NativeMemory.Alloc((nuint)bytes);
        (_heap ??= []).Add((nint)memory);
        return memory;
    }

    public readonly void Dispose()
    {
        if (_heap is null)
            return;
        foreach (var memory in _heap)
            NativeMemory.Free((void*)memory);
    }
}
