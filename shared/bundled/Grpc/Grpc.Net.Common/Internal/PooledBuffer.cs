using System.Buffers;

namespace Grpc.Net.Internal;

/// <summary>Bytes in rented chunks: written as a stream or a buffer writer, read back as one sequence.</summary>
internal sealed class PooledBuffer(long limit) : Stream, IBufferWriter<byte>
{
    private const int ChunkSize = 64 * 1024;

    private readonly List<(byte[] Array, int Used)> _chunks = [];
    private long _length;

    public override long Length => _length;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException();
    }

    public void Advance(int count)
    {
        if (count == 0) return;
        var (array, used) = _chunks[^1];
        _chunks[^1] = (array, checked(used + count));
        _length += count;
        if (_length > limit) throw new BufferLimitException();
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        var need = Math.Max(sizeHint, 1);
        if (_chunks.Count == 0 || _chunks[^1].Array.Length - _chunks[^1].Used < need)
        {
            _chunks.Add((ArrayPool<byte>.Shared.Rent(Math.Max(need, ChunkSize)), 0));
        }

        var (array, used) = _chunks[^1];
        return array.AsMemory(used);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>All that was written; valid until this is disposed.</summary>
    public ReadOnlySequence<byte> AsSequence()
    {
        if (_chunks.Count == 0) return ReadOnlySequence<byte>.Empty;
        var first = new Segment(_chunks[0].Array.AsMemory(0, _chunks[0].Used), 0);
        var last = first;
        foreach (var (array, used) in _chunks.Skip(1)) last = last.Append(array.AsMemory(0, used));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var target = GetSpan();
            var part = buffer[..Math.Min(target.Length, buffer.Length)];
            part.CopyTo(target);
            Advance(part.Length);
            buffer = buffer[part.Length..];
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        foreach (var (array, _) in _chunks) ArrayPool<byte>.Shared.Return(array);
        _chunks.Clear();
        base.Dispose(disposing);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long start) => (Memory, RunningIndex) = (memory, start);

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}

/// <summary>More was written to a <see cref="PooledBuffer"/> than it may hold.</summary>
internal sealed class BufferLimitException : Exception
{
}
