using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FedLora.Adapters;

/// <summary>
/// A safetensors file whose tensors are read one by one where the caller wants them, without a mapping: what has been read takes no memory here. For many files opened often: a
/// header that was read before, of this file or of the last one with the same bytes, is not read again. Several threads may read at once.
/// </summary>
public sealed class SafetensorsReader : IDisposable
{
    private static Parsed? _last;
    private readonly string _path;
    private readonly SafeFileHandle _file;

    private SafetensorsReader(string path, SafeFileHandle file, SafetensorsHeader header) => (_path, _file, Header) = (path, file, header);

    /// <summary>Where each tensor lies.</summary>
    public SafetensorsHeader Header { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">The file.</param>
    /// <param name="known">The header that an earlier reader of this file had, where the file has not changed since; null: it is read.</param>
    /// <exception cref="FedLoraException"><c>file-missing</c>, <c>safetensors-invalid</c> or <c>safetensors-dtype</c>.</exception>
    public static SafetensorsReader Open(string path, SafetensorsHeader? known = null)
    {
        if (!File.Exists(path))
            throw new FedLoraException("file-missing", $"There is no file '{path}'.", "Check the path.");
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            return new SafetensorsReader(path, file, known ?? Parse(path, file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Converts a tensor to float32 into a place of the caller's, as long as the tensor.</summary>
    /// <exception cref="FedLoraException"><c>tensor-missing</c>; <c>safetensors-invalid</c>: the file has become shorter.</exception>
    public void Read(string name, Span<float> values)
    {
        if (!Header.Tensors.TryGetValue(name, out var entry))
            throw new FedLoraException("tensor-missing", $"'{_path}' has no tensor '{name}'.", "It belongs to another model or was written by another program.");
        if (values.Length != entry.ElementCount)
            throw new ArgumentException($"Tensor '{name}' holds {entry.ElementCount} numbers, not {values.Length}.", nameof(values));
        if (entry.Dtype == SafetensorsDtype.F32 && BitConverter.IsLittleEndian)
        {
            Fill(Header.DataStart + entry.Start, MemoryMarshal.AsBytes(values));
            return;
        }
        var buffer = ArrayPool<byte>.Shared.Rent(checked((int)entry.ByteCount));
        try
        {
            var bytes = buffer.AsSpan(0, (int)entry.ByteCount);
            Fill(Header.DataStart + entry.Start, bytes);
            SafetensorsConvert.ToFloats(entry, bytes, values);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public void Dispose() => _file.Dispose();

    private void Fill(long start, Span<byte> bytes) => Fill(_file, start, bytes, _path);

    private static void Fill(SafeFileHandle file, long start, Span<byte> bytes, string path)
    {
        while (bytes.Length > 0)
        {
            var count = RandomAccess.Read(file, bytes, start);
            if (count == 0)
                throw SafetensorsHeader.Invalid(path, $"ends at byte {start}: it has become shorter");
            bytes = bytes[count..];
            start += count;
        }
    }

    private static SafetensorsHeader Parse(string path, SafeFileHandle file)
    {
        var length = RandomAccess.GetLength(file);
        Span<byte> first = stackalloc byte[(int)Math.Min(8, length)];
        Fill(file, 0, first, path);
        var bytes = new byte[8 + SafetensorsHeader.LengthOf(first, length, path)];
        Fill(file, 0, bytes, path);
        if (_last is { } last && last.Length == length && last.Bytes.AsSpan().SequenceEqual(bytes))
            return last.Header;
        var header = SafetensorsHeader.Parse(bytes, length, path);
        // One that a hostile peer made huge is not worth keeping.
        if (bytes.Length <= 1 << 22)
            _last = new Parsed(bytes, length, header);
        return header;
    }

    private sealed record Parsed(byte[] Bytes, long Length, SafetensorsHeader Header);
}
