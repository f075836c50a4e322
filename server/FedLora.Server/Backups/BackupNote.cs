using FedLora.Core.Audit;

namespace FedLora.Server.Backups;

/// <summary>A backup as an entry of the coordinator's audit log, of the same form as what operators do by its calls.</summary>
public static class BackupNote
{
    /// <summary>The entry's action.</summary>
    internal const string Action = "Backup";

    /// <summary>Writes it where no coordinator runs on the folder, which otherwise has to be asked: it alone writes there.</summary>
    /// <param name="root">The coordinator's data folder.</param>
    /// <param name="subject">Which backup, and where it lies.</param>
    /// <param name="outcome">done, or the code of what it failed with.</param>
    /// <param name="time">Dates it.</param>
    /// <returns>Whether it was written.</returns>
    /// <exception cref="FedLoraException"><c>audit-unwritable</c>, <c>audit-damaged</c>.</exception>
    public static bool TryAppend(string root, string subject, string outcome, TimeProvider time)
    {
        using var held = HeldFile.TryOpen(Path.Combine(root, "lock"));
        if (held is null)
            return false;
        using var audit = AuditLog.Open(AuditLog.FolderIn(root));
        audit.Append(time.GetUtcNow(), "information", "Acted", $"operator beside the coordinator: {Action} {subject}: {outcome}",
            new Dictionary<string, string>
            {
                ["role"] = Authentication.Roles.Operator,
                ["actor"] = "beside the coordinator",
                ["action"] = Action,
                ["subject"] = subject,
                ["outcome"] = outcome,
            });
        audit.Flush("the backup");
        return true;
    }
}
