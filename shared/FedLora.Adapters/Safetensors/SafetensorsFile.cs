using System.IO.MemoryMappedFiles;

namespace FedLora.Adapters;

/// <summary>A safetensors file, mapped into memory: nothing is read before it is asked for, nothing is copied unless converted.</summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafetensorsHeader _header;
    private readonly byte* _data;
    private bool _disposed;

    private SafetensorsFile(string path, MemoryMappedFile file, MemoryMappedViewAccessor view, SafetensorsHeader header, byte* start)
    {
        (Path, _file, _view, _header) = (path, file, view, header);
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
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 0);
        var length = stream.Length;
        Span<byte> first = stackalloc byte[8];
        first = first[..RandomAccess.Read(stream.SafeFileHandle, first, 0)];
        var headerLength = SafetensorsHeader.LengthOf(first, length, path);
        var file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        MemoryMappedViewAccessor? view = null;
        try
        {
            view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            byte* start = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            start += view.PointerOffset;
            return new SafetensorsFile(path, file, view, SafetensorsHeader.Parse(new ReadOnlySpan<byte>(start, 8 + headerLength), length, path), start);
        }
        catch
        {
            view?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>The entry of a tensor.</summary>
    /// <exception cref="FedLoraException"><c>tensor-missing</c>.</exception>
    public SafetensorsEntry Entry(string name) => Tensors.TryGetValue(name, out var entry)
        ? entry
        : throw new FedLoraException("tensor-missing", $"'{Path}' has no tensor '{name}'.", "It belongs to another model or was written by another program.");

    /// <summary>The tensor's bytes in the mapping, valid until <see cref="Dispose"/>; at most 2 GiB (larger ones by <see cref="Address"/>).</summary>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        var entry = Entry(name);
        return entry.ByteCount <= int.MaxValue
            ? new ReadOnlySpan<byte>((void*)Address(name), (int)entry.ByteCount)
            : throw new FedLoraException("safetensors-too-large", $"Tensor '{name}' of '{Path}' has {entry.ByteCount} bytes, too many for one span.", "Read it in parts by its address.");
    }

    /// <summary>Where the tensor's <see cref="SafetensorsEntry.ByteCount"/> bytes begin in memory, valid until <see cref="Dispose"/>.</summary>
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
            SafetensorsConvert.ToFloats(entry.Dtype, new ReadOnlySpan<byte>((byte*)Address(name) + ((long)done * size), part.Length * size), part);
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
    }
}
