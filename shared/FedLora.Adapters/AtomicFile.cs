using System.Runtime.InteropServices;

namespace FedLora.Adapters;

/// <summary>Writes a file so that a reader, a crash or a full disk finds all of it or none of it.</summary>
public static partial class AtomicFile
{
    /// <summary>Writes to a temporary file beside the target, forces it to the disk and renames it over the target.</summary>
    /// <param name="path">The target; its folder is made if need be.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="FedLoraException"><c>file-write-failed</c>: the disk is full, read-only, ...; the target is as it was.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var full = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(full)!;
        var temporary = Path.Combine(folder, $".{Path.GetFileName(full)}.{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(folder);
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite: true);
            FlushFolder(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("file-write-failed", $"Cannot write '{full}': {error.Message.TrimEnd('.')}.", "Free some space, or choose a folder that can be written.", error);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <inheritdoc cref="Write(string, Action{Stream})"/>
    public static void Write(string path, byte[] content) => Write(path, stream => stream.Write(content));

    /// <summary>Forces a folder's entries (new names, renames) to the disk. Does nothing where the system has no such call.</summary>
    public static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        var descriptor = Open(folder, 0);
        if (descriptor < 0)
            throw new IOException($"Cannot open folder '{folder}': error {Marshal.GetLastPInvokeError()}.");
        try
        {
            if (Sync(descriptor) != 0)
                throw new IOException($"Cannot flush folder '{folder}': error {Marshal.GetLastPInvokeError()}.");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
