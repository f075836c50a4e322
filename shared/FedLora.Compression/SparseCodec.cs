using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using FedLora.Compression.Masks;
using FedLora.Compression.Values;

namespace FedLora.Compression;

/// <summary>
/// The sparse update on the wire (specified in <c>proto/fedlora/v1/SPARSE.md</c>): a 48-byte header, the mask, the values. A dense
/// vector costs its raw size and the header.
/// </summary>
public static class SparseCodec
{
    /// <summary>Bytes before the mask.</summary>
    public const int HeaderSize = 48;

    /// <summary>Bytes of the layout digest.</summary>
    public const int LayoutDigestSize = 16;

    private const uint Magic = 0x31534C46; // "FLS1"
    private const byte Version = 1;
    private const int ChecksumAt = 44;

    /// <summary>Encodes a vector.</summary>
    /// <param name="vector">What to send.</param>
    /// <param name="format">How values are written.</param>
    /// <param name="layoutDigest">16 bytes that name the layout of the vector, equal at both ends.</param>
    /// <param name="seed">Of the stochastic rounding; without effect on formats that round to nearest.</param>
    /// <exception cref="FedLoraException"><c>value-out-of-range</c>: an entry does not fit the format.</exception>
    public static byte[] Encode(SparseVector vector, ValueFormat format, ReadOnlySpan<byte> layoutDigest, ulong seed = 0)
    {
        if (layoutDigest.Length != LayoutDigestSize)
            throw new ArgumentException($"A layout digest has {LayoutDigestSize} bytes.", nameof(layoutDigest));
        var mask = new ByteWriter((vector.Count / 2) + 64);
        var mode = MaskCodec.Encode(vector.Indices, vector.Length, mask);
        var size = HeaderSize + mask.Length + ValueCodec.Size(format, vector.Count);
        if (size > Array.MaxLength)
            throw new FedLoraException("update-too-large", $"an update of {size} bytes does not fit into one message",
                "Lower the density or the rank.");

        var bytes = GC.AllocateUninitializedArray<byte>((int)size);
        var header = bytes.AsSpan(0, HeaderSize);
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        header[4] = Version;
        header[5] = (byte)format;
        header[6] = (byte)mode;
        header[7] = 0;
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], (ulong)vector.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(header[16..], (ulong)vector.Count);
        layoutDigest.CopyTo(header[24..]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[40..], (uint)mask.Length);
        mask.Written.CopyTo(bytes.AsSpan(HeaderSize));
        ValueCodec.Encode(format, vector.Values, seed, bytes.AsSpan(HeaderSize + mask.Length));
        Seal(bytes);
        return bytes;
    }

    /// <summary>
    /// Decodes what <see cref="Encode"/> wrote. Time and memory are bounded by <paramref name="expectedLength"/>, whatever the bytes say.
    /// </summary>
    /// <param name="bytes">From a peer: trusted in nothing.</param>
    /// <param name="expectedLength">Number of entries that the receiver's own layout has.</param>
    /// <param name="layoutDigest">16 bytes that name the receiver's layout.</param>
    /// <exception cref="FedLoraException"><c>sparse-update-invalid</c>: what is wrong with it.</exception>
    public static SparseVector Decode(ReadOnlySpan<byte> bytes, int expectedLength, ReadOnlySpan<byte> layoutDigest)
    {
        var header = new ByteReader(bytes).Take(HeaderSize);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != Magic)
            throw SparseFormat.Invalid("it does not begin with FLS1");
        if (header[4] != Version)
            throw SparseFormat.Invalid($"it is of version {header[4]}; this program reads version {Version}");
        var format = (ValueFormat)header[5];
        var mode = (MaskMode)header[6];
        var length = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
        var count = BinaryPrimitives.ReadUInt64LittleEndian(header[16..]);
        if (header[7] != 0)
            throw SparseFormat.Invalid("its reserved byte is not 0");
        if (length != (ulong)expectedLength)
            throw SparseFormat.Invalid($"it has {length} entries instead of {expectedLength}");
        if (count > length)
            throw SparseFormat.Invalid($"it keeps {count} of {length} entries");
        if (!header.Slice(24, LayoutDigestSize).SequenceEqual(layoutDigest))
            throw SparseFormat.Invalid("it was made for other tensors than this adapter's");

        var maskSize = BinaryPrimitives.ReadUInt32LittleEndian(header[40..]);
        var expectedSize = HeaderSize + maskSize + ValueCodec.Size(format, (long)count);
        if (bytes.Length != expectedSize)
            throw SparseFormat.Invalid($"it has {bytes.Length} bytes instead of {expectedSize}");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[ChecksumAt..]) != Checksum(bytes))
            throw SparseFormat.Invalid("its checksum is wrong");

        var indices = MaskCodec.Decode(mode, (int)length, (int)count, bytes.Slice(HeaderSize, (int)maskSize));
        var values = ValueCodec.Decode(format, (int)count, bytes[(HeaderSize + (int)maskSize)..]);
        return new SparseVector((int)length, indices, values);
    }

    /// <summary>Writes the checksum of what stands there.</summary>
    internal static void Seal(Span<byte> bytes) => BinaryPrimitives.WriteUInt32LittleEndian(bytes[ChecksumAt..], Checksum(bytes));

    /// <summary>CRC-32C (Castagnoli) of all bytes but the checksum's own four.</summary>
    private static uint Checksum(ReadOnlySpan<byte> bytes) =>
        ~Crc(Crc(uint.MaxValue, bytes[..ChecksumAt]), bytes[(ChecksumAt + 4)..]);

    private static uint Crc(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word));
        foreach (var rest in bytes[(bytes.Length & ~7)..])
            crc = BitOperations.Crc32C(crc, rest);
        return crc;
    }
}
