using FedLora.Core.Audit;
using FedLora.Protocol.Transfer;

namespace FedLora.Server.Backups;

/// <summary>What of a data folder is saved, seen from beside the coordinator that may be running on it.</summary>
internal static class CoordinatorFiles
{
    // Of the running process, or of where the state lies.
    private static readonly string[] NotSaved = ["lock", "coordinator.url", "operator.pem", Stores.StateElsewhere.FileName];

    /// <summary>The state's database.</summary>
    internal static string StateOf(string root) => Path.Combine(root, BackupManifest.StateFile);

    /// <summary>Authority, tokens, audit log, ...: paths below the folder, with <c>/</c>.</summary>
    internal static IEnumerable<string> Saved(string root) =>
        Directory.EnumerateFiles(root).Select(path => Path.GetFileName(path))
            .Where(name => name[0] != '.' && !name.StartsWith(BackupManifest.StateFile, StringComparison.Ordinal)
                && !NotSaved.Contains(name, StringComparer.Ordinal))
            .Concat(AuditFiles.Paths(AuditLog.FolderIn(root)).Select(path => $"audit/{Path.GetFileName(path)}"))
            .Order(StringComparer.Ordinal);

    /// <summary>The blobs that are there now, with their lengths.</summary>
    internal static Dictionary<string, long> Blobs(string root)
    {
        var folder = new DirectoryInfo(Path.Combine(root, "blobs"));
        return !folder.Exists ? []
            : folder.EnumerateFiles("*", SearchOption.AllDirectories).Where(file => Sha256Hex.IsValid(file.Name))
                .Select(file => (file.Name, Length: LengthOf(file))).Where(blob => blob.Length >= 0)
                .ToDictionary(blob => blob.Name, blob => blob.Length, StringComparer.Ordinal);
    }

    /// <summary>Where a blob lies in a data folder.</summary>
    internal static string BlobOf(string root, string sha256) => Path.Combine(root, "blobs", sha256[..2], sha256);

    /// <summary>Writes a file as it is now; of the audit log its whole lines, since the next one may be on its way.</summary>
    internal static async Task WriteAsync(string root, string path, Stream to, CancellationToken cancellationToken)
    {
        await using var from = OwnerOnly.OpenRead(Path.Combine(root, path));
        var left = path.StartsWith("audit/", StringComparison.Ordinal) ? EndOfLines(from) : from.Length;
        var buffer = new byte[1 << 16];
        for (int count; left > 0; left -= count)
        {
            count = await from.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), cancellationToken);
            if (count == 0)
                return;
            await to.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }
    }

    private static long EndOfLines(FileStream file)
    {
        var end = file.Length;
        for (; end > 0; end--)
        {
            file.Position = end - 1;
            if (file.ReadByte() == '\n')
                break;
        }

        file.Position = 0;
        return end;
    }

    private static long LengthOf(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            // The janitor was faster.
            return -1;
        }
    }
}
