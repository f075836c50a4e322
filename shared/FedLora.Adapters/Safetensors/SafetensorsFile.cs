using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace FedLora.Adapters;

/// <summary>A safetensors file, mapped into memory: nothing is read before it is asked for, nothing is copied unless converted.</summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafeFileHandle _handle;
    private readonly SafetensorsHeader _header;
    private readonly byte* _data;
    private bool _disposed;

    private SafetensorsFile(
        string path, SafeFileHandle handle, MemoryMappedFile file, MemoryMappedViewAccessor view, SafetensorsHeader header, byte* start)
    {
        (Path, _handle, _file, _view, _header) = (path, handle, file, view, header);
        _data = start + header.DataStart;
    }

    public string Path { get; }

    /// <summary>Where each tensor lies, by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors => _header.Tensors;

    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Maps a file and checks its header.</summary>
    /// <exception cref="FedLoraException"><c>file-missing</c>, <c>safetensors-invalid</c> or <c>safetensors-dtype</c>.</exception>
    public static SafetensorsFile Open(string path)
    {
        if (!File.Exists(path))
            throw new FedLoraException("file-missing", $"There is no file '{path}'.", "Check the path.");
        var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        MemoryMappedFile? file = null;
        MemoryMappedViewAccessor? view = null;
        try
        {
            var length = RandomAccess.GetLength(handle);
            Span<byte> first = stackalloc byte[8];
            first = first[..RandomAccess.Read(handle, first, 0)];
            var headerLength = SafetensorsHeader.LengthOf(first, length, path);
            file = MemoryMappedFile.CreateFromFile(
                handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            byte* start = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            start += view.PointerOffset;
            var header = SafetensorsHeader.Parse(new ReadOnlySpan<byte>(start, 8 + headerLength), length, path);
            return new SafetensorsFile(path, handle, file, view, header, start);
        }
        catch
        {
            view?.Dispose();
            file?.Dispose();
            handle.Dispose();
            throw;
        }
    }

    /// <summary>The entry of a tensor.</summary>
    /// <exception cref="FedLoraException"><c>tensor-missing</c>.</exception>
    public SafetensorsEntry Entry(string name) => Tensors.TryGetValue(name, out var entry)
        ? entry
        : throw new FedLoraException("tensor-missing", $"'{Path}' has no tensor '{name}'.",
            "It belongs to another model or was written by another program.");

    /// <summary>
    /// The tensor's bytes in the mapping, valid until <see cref="Dispose"/>; at most 2 GiB (larger ones by <see cref="Address"/>).
    /// </summary>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        var entry = Entry(name);
        return entry.ByteCount <= int.MaxValue
            ? new ReadOnlySpan<byte>((void*)Address(name), (int)entry.ByteCount)
            : throw new FedLoraException("safetensors-too-large",
                $"Tensor '{name}' of '{Path}' has {entry.ByteCount} bytes, too many for one span.", "Read it in parts by its address.");
    }

    /// <summary>
    /// Reads the tensor's bytes from the file: unlike those of the mapping they then count as this process's memory once.
    /// </summary>
    /// <param name="name">The tensor.</param>
    /// <param name="bytes">As long as the tensor.</param>
    /// <exception cref="FedLoraException"><c>tensor-missing</c>; <c>safetensors-invalid</c>: the file was cut off meanwhile.</exception>
    public void ReadBytes(string name, Span<byte> bytes)
    {
        if (Entry(name) is var entry && bytes.Length != entry.ByteCount)
            throw new ArgumentException($"Tensor '{name}' has {entry.ByteCount} bytes, not {bytes.Length}.", nameof(bytes));
        ReadBytes(name, 0, bytes);
    }

    /// <summary>Reads a part of the tensor's bytes, likewise.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="start">The first byte, counted from the tensor's own.</param>
    /// <param name="bytes">As many as are wanted, no more than follow <paramref name="start"/>.</param>
    /// <exception cref="FedLoraException"><c>tensor-missing</c>; <c>safetensors-invalid</c>: the file was cut off meanwhile.</exception>
    public void ReadBytes(string name, long start, Span<byte> bytes)
    {
        var entry = Entry(name);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, entry.ByteCount - start, nameof(bytes));
        for (int done = 0, read; done < bytes.Length; done += read)
        {
            read = RandomAccess.Read(_handle, bytes[done..], _header.DataStart + entry.Start + start + done);
            if (read == 0)
                throw new FedLoraException(
                    "safetensors-invalid", $"'{Path}' ends within tensor '{name}', though it did not when it was opened.",
                    "Put the whole file back and start again.");
        }
    }

    /// <summary>
    /// Where the tensor's <see cref="SafetensorsEntry.ByteCount"/> bytes begin in memory, valid until <see cref="Dispose"/>.
    /// </summary>
    public nint Address(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return (nint)(_data + Entry(name).Start);
    }

    /// <summary>The tensor as float32.</summary>
    public float[] ReadFloats(string name)
    {
        var entry = Entry(name);
        _ = entry.IntShape();
        var values = new float[entry.ElementCount];
        Read(name, values);
        return values;
    }

    /// <summary>Converts the tensor to float32 into a place of the caller's, as long as the tensor.</summary>
    public void Read(string name, Span<float> values)
    {
        var entry = Entry(name);
        if (values.Length != entry.ElementCount)
            throw new ArgumentException($"Tensor '{name}' holds {entry.ElementCount} numbers, not {values.Length}.", nameof(values));
        const int Chunk = 1 << 24;
        var size = SafetensorsEntry.SizeOf(entry.Dtype);
        for (var done = 0; done < values.Length; done += Chunk)
        {
            var part = values[done..Math.Min(values.Length, done + Chunk)];
            SafetensorsConvert.ToFloats(entry.Dtype, new ReadOnlySpan<byte>((byte*)Address(name) + ((long)done * size), part.Length * size),
                part);
        }
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
        _handle.Dispose();
    }
}
