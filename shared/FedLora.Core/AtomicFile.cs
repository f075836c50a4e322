using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace FedLora.Core;

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
        WriteAll(Path.GetDirectoryName(full)!, (Path.GetFileName(full), write));
    }

    /// <summary>The same for a secret: from its first byte on its owner alone may read it.</summary>
    /// <inheritdoc cref="Write(string, Action{Stream})"/>
    public static void WriteSecret(string path, string content) => WriteSecret(path, Encoding.UTF8.GetBytes(content));

    /// <inheritdoc cref="WriteSecret(string, string)"/>
    public static void WriteSecret(string path, byte[] content)
    {
        var full = Path.GetFullPath(path);
        WriteAll(Path.GetDirectoryName(full)!, secret: true, (Path.GetFileName(full), stream => stream.Write(content)));
    }

    /// <summary>
    /// Writes files that belong together: all of them beside their targets first, so that a full disk is met before any target changes.
    /// Renamed in the order given.
    /// </summary>
    /// <param name="folder">Of all of them; made if need be.</param>
    /// <param name="files">Names without a folder, and what writes each content.</param>
    /// <exception cref="FedLoraException"><c>file-write-failed</c>, as for one file.</exception>
    public static void WriteAll(string folder, params IReadOnlyList<(string Name, Action<Stream> Write)> files) =>
        WriteAll(folder, secret: false, files);

    private static void WriteAll(string folder, bool secret, params IReadOnlyList<(string Name, Action<Stream> Write)> files)
    {
        var full = Path.GetFullPath(folder);
        var suffix = $".{Guid.NewGuid():N}.tmp";
        var writing = full;
        try
        {
            Directory.CreateDirectory(full);
            foreach (var (name, write) in files)
            {
                writing = Path.Combine(full, name);
                using var stream = new FileStream(Path.Combine(full, $".{name}{suffix}"), Options(secret));
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            foreach (var (name, _) in files)
            {
                writing = Path.Combine(full, name);
                File.Move(Path.Combine(full, $".{name}{suffix}"), writing, overwrite: true);
            }
            FlushFolder(full);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("file-write-failed", $"Cannot write '{writing}': {Reason(error)}.",
                "Free some space, or choose a folder that can be written.", error);
        }
        finally
        {
            // Deleting in a folder that is not there is an error, and would hide why it is not.
            if (Directory.Exists(full))
            {
                foreach (var (name, _) in files)
                    File.Delete(Path.Combine(full, $".{name}{suffix}"));
            }
        }
    }

    /// <inheritdoc cref="Write(string, Action{Stream})"/>
    public static void Write(string path, byte[] content) => Write(path, stream => stream.Write(content));

    /// <inheritdoc cref="Write(string, Action{Stream})"/>
    public static void Write(string path, string content) => Write(path, Encoding.UTF8.GetBytes(content));

    /// <summary>
    /// Deletes what processes that were killed while they wrote have left beside their targets. Only for a folder into which nobody else
    /// writes now.
    /// </summary>
    /// <param name="folder">The folder; nothing is done where it is not there.</param>
    /// <param name="within">Whether those below it are looked at too.</param>
    /// <exception cref="IOException">One cannot be deleted.</exception>
    public static void DeleteLeftovers(string folder, SearchOption within = SearchOption.TopDirectoryOnly)
    {
        if (!Directory.Exists(folder))
            return;
        foreach (var file in Directory.EnumerateFiles(folder, ".*.tmp", within))
        {
            if (Leftover().IsMatch(Path.GetFileName(file)))
                File.Delete(file);
        }
    }

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

    private static FileStreamOptions Options(bool secret)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 1 << 16,
        };
        if (secret && !OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return options;
    }

    // The system's message names the temporary file, which means nothing to a reader.
    private static string Reason(Exception error) => error.Message.Split(" : ", 2)[0].TrimEnd('.');

    [GeneratedRegex(@"^\..+\.[0-9a-f]{32}\.tmp$", RegexOptions.NonBacktracking)]
    private static partial Regex Leftover();

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
