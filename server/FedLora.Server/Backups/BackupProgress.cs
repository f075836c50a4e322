namespace FedLora.Server.Backups;

/// <summary>How far a long copy has come.</summary>
/// <param name="Done">Bytes.</param>
/// <param name="Total">Bytes in all.</param>
public sealed record BackupProgress(long Done, long Total);

/// <summary>Counts bytes and tells.</summary>
internal sealed class Meter(IProgress<BackupProgress>? progress)
{
    private long _done;

    /// <summary>Bytes in all, once that is known.</summary>
    internal long Total { get; set; }

    internal void Add(long bytes) => progress?.Report(new(_done += bytes, Total));
}
