using System.Text.Json;
using FedLora.Protocol.Transfer;

namespace FedLora.Server.Backups;

/// <summary>What one backup consists of. Its bytes lie in the backup folder under their hashes, shared by all backups there.</summary>
public sealed record BackupManifest
{
    /// <summary>Of the manifest's form.</summary>
    public const int Current = 1;

    /// <summary>The grain states among the files: a SQLite database, wherever the coordinator keeps its own.</summary>
    public const string StateFile = "state.db";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary><see cref="Current"/>.</summary>
    public required int Version { get; init; }

    /// <summary>The moment that all of it is of.</summary>
    public required DateTimeOffset Taken { get; init; }

    /// <summary>Whose it is: the hash of the coordinator's tokens.</summary>
    public required string Coordinator { get; init; }

    /// <summary>Files of the data folder, by path below it: <see cref="StateFile"/>, authority, tokens, audit log.</summary>
    public required IReadOnlyList<BackupFile> Files { get; init; }

    /// <summary>The blobs, by hash.</summary>
    public required IReadOnlyList<BackupBlob> Blobs { get; init; }

    /// <summary>All that it consists of, once each.</summary>
    internal IEnumerable<BackupBlob> Objects() =>
        Files.Select(file => new BackupBlob(file.Sha256, file.Size)).Concat(Blobs).DistinctBy(one => one.Sha256);

    /// <summary>Bytes of all that it consists of.</summary>
    internal long Bytes() => Objects().Sum(one => one.Size);

    /// <summary>Where the state lies.</summary>
    internal BackupFile State() => Files.Single(file => file.Path == StateFile);

    internal byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <summary>Reads one that may have been written by anybody: no path in it leaves the folder that it is restored to.</summary>
    /// <exception cref="FedLoraException"><c>backup-invalid</c>, <c>backup-newer</c>.</exception>
    internal static BackupManifest Read(string path)
    {
        try
        {
            var manifest = JsonSerializer.Deserialize<BackupManifest>(File.ReadAllBytes(path), Json)
                ?? throw new JsonException("it is empty");
            if (manifest.Version > Current)
                throw new FedLoraException("backup-newer", $"{path} has form {manifest.Version}, this program knows {Current}",
                    "restore it with a newer version of this program");
            return manifest.Files.All(file => IsInside(file.Path) && Sha256Hex.IsValid(file.Sha256) && file.Size >= 0)
                && manifest.Blobs.All(blob => Sha256Hex.IsValid(blob.Sha256) && blob.Size >= 0)
                && manifest.Files.DistinctBy(file => file.Path).Count() == manifest.Files.Count
                && manifest.Files.Any(file => file.Path == StateFile)
                ? manifest : throw new JsonException("it names a path or a hash that is none");
        }
        catch (JsonException error)
        {
            throw new FedLoraException("backup-invalid", $"{path} is no backup's manifest: {error.Message}", "take another of the backups",
                error);
        }
    }

    // At most one folder down, and nothing that the restored coordinator makes by itself.
    private static bool IsInside(string path) => path.Split('/') is { Length: 1 or 2 } parts
        && parts.All(part => part.Length > 0 && part[0] != '.' && !part.Contains('\\', StringComparison.Ordinal)) && parts[0] != "blobs";
}

/// <param name="Path">Below the data folder, with <c>/</c>.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">Of its bytes.</param>
public sealed record BackupFile(string Path, long Size, string Sha256);

/// <param name="Sha256">Its name, and the hash of its bytes.</param>
/// <param name="Size">Bytes.</param>
public sealed record BackupBlob(string Sha256, long Size);
