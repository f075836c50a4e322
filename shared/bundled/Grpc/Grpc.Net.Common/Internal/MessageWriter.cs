using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Net.Compression;

namespace Grpc.Net.Internal;

/// <summary>
/// Puts messages into a pipe; the caller flushes. A message that says its length first and is not compressed goes straight
/// into the pipe, others are collected to learn their length.
/// </summary>
internal sealed class MessageWriter<T>(
    PipeWriter output, Action<T, SerializationContext> serialize, ICompressionProvider? encoding, CompressionLevel? level, int? limit)
    where T : class
{
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED: the message is larger than may be sent.</exception>
    public void Write(T message, WriteOptions? options)
    {
        var compress = encoding is not null && !(options?.Flags ?? default).HasFlag(WriteFlags.NoCompress);
        using var frame = new Frame(output, compress ? encoding : null, level, limit);
        serialize(message, frame);
        frame.End();
    }

    private sealed class Frame(PipeWriter output, ICompressionProvider? encoding, CompressionLevel? level, int? limit)
        : SerializationContext, IDisposable
    {
        private PooledBuffer? _collected;
        private int? _length;
        private bool _headerWritten;
        private bool _complete;

        public override void SetPayloadLength(int payloadLength)
        {
            CheckLimit(payloadLength);
            _length = payloadLength;
        }

        public override IBufferWriter<byte> GetBufferWriter()
        {
            if (_length is not { } length || encoding is not null) return _collected ??= new PooledBuffer(long.MaxValue);
            if (!_headerWritten) new FrameHeader(0, (uint)length).Write(output);
            _headerWritten = true;
            return output;
        }

        public override void Complete(byte[] payload) => CompleteWith(new ReadOnlySequence<byte>(payload));

        public override void Complete()
        {
            if (_headerWritten) _complete = true;
            else CompleteWith(_collected?.AsSequence() ?? ReadOnlySequence<byte>.Empty);
        }

        public void End()
        {
            if (!_complete) throw new InvalidOperationException("Serialization did not return a payload.");
        }

        public void Dispose() => _collected?.Dispose();

        private void CompleteWith(ReadOnlySequence<byte> payload)
        {
            if (_complete) throw new InvalidOperationException("The payload is complete already.");
            _complete = true;
            CheckLimit(payload.Length);
            if (encoding is null)
            {
                Send(0, payload);
                return;
            }

            using var compressed = new PooledBuffer(long.MaxValue);
            using (var compressor = encoding.CreateCompressionStream(compressed, level))
            {
                foreach (var part in payload) compressor.Write(part.Span);
            }

            Send(1, compressed.AsSequence());
        }

        private void Send(byte flag, ReadOnlySequence<byte> payload)
        {
            new FrameHeader(flag, checked((uint)payload.Length)).Write(output);
            foreach (var part in payload) output.Write(part.Span);
        }

        private void CheckLimit(long length)
        {
            if (length > limit)
            {
                throw new RpcException(new Status(
                    StatusCode.ResourceExhausted, "Sending message exceeds the maximum configured message size."));
            }
        }
    }
}
