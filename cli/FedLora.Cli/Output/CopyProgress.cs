using FedLora.Server.Backups;

namespace FedLora.Cli.Output;

/// <summary>A long copy as it is seen while it goes on: a line every few seconds.</summary>
internal sealed class CopyProgress(CommandOutput output, string what, TimeProvider time) : IProgress<BackupProgress>
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(3);
    private long _said = time.GetTimestamp();

    public void Report(BackupProgress value)
    {
        if (time.GetElapsedTime(_said) < Every)
            return;
        _said = time.GetTimestamp();
        output.Remark($"{what} {Units.Bytes(value.Done)} of {Units.Bytes(value.Total)}");
    }
}
