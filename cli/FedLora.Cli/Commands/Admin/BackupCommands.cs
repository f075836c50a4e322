using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using FedLora.Server.Backups;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin backup | restore | move</c>: a coordinator's whole state, beside it or without it.</summary>
internal static class BackupCommands
{
    public static Command Backup()
    {
        var folder = new Argument<string>("DIR")
        {
            Description = "Folder of this coordinator's backups; made if it is not there. Keys are in it: it is for its owner only.",
        };
        var keep = new Option<int?>("--keep") { Description = "Keep the newest so many backups; default: all." };
        var verify = new Option<bool>("--verify")
        {
            Description = "Read again what earlier backups have copied, and copy anew what is damaged there.",
        };
        var postgres = PostgresOption.Create("Where the coordinator's state is, if not in its data folder");
        return new Command("backup",
            "Save all that a coordinator has (state, blobs, authority, tokens, audit log) while it serves. A second backup into the same "
                + "folder copies only what is new.")
        {
            folder,
            keep,
            verify,
            postgres,
        }.Writes(typeof(BackupJson)).Answers(async (parsed, output, cancellationToken) =>
        {
            var newest = parsed.GetValue(keep);
            if (newest < 1)
                throw new UsageException("--keep must be at least 1", "The backup that is being taken is one of them.");
            var to = parsed.GetValue(folder)!;
            var (full, taken) = (Path.GetFullPath(to), (BackupTaken?)null);
            try
            {
                taken = await CoordinatorBackup.TakeAsync(Data(parsed), parsed.GetValue(postgres), to, newest, parsed.GetValue(verify),
                    new CopyProgress(output, "saved", TimeProvider.System), TimeProvider.System, cancellationToken);
            }
            catch (FedLoraException error) when (error.Code != "backup-nothing")
            {
                await NoteAsync(parsed, output, full, error.Code, cancellationToken);
                throw;
            }

            await NoteAsync(parsed, output, $"{taken.Name} in {full}", "done", cancellationToken);
            output.Result(
                new BackupJson(full, taken.Name, taken.Taken, taken.Files, taken.Blobs, taken.Bytes, taken.NewBytes,
                    taken.Damaged, taken.Removed),
                console =>
                {
                    console.WriteLine($"Backup {taken.Name} is in {to}: {taken.Blobs} blobs and {taken.Files} files, "
                        + $"{Units.Bytes(taken.Bytes)}, of which {Units.Bytes(taken.NewBytes)} were copied now.");
                    if (taken.Removed > 0)
                        console.WriteLine($"{taken.Removed} older backups were removed.");
                });
            foreach (var blob in taken.Damaged)
                output.Remark($"blob {blob} is damaged in the coordinator's store; it is not in the backup");
            return taken.Damaged.Count == 0 ? ExitCode.Success : ExitCode.Failure;
        });
    }

    public static Command Restore()
    {
        var folder = new Argument<string>("DIR") { Description = "Folder of backups." };
        var at = new Option<string?>("--at") { Description = "Name of the backup, as 'backup' printed it; default: the newest." };
        var check = new Option<bool>("--check") { Description = "Only compare all its bytes with their hashes; restore nothing." };
        var postgres = PostgresOption.Create("An empty database for the state, which otherwise goes into the data folder");
        return new Command("restore",
            "Make a coordinator of a backup in a new folder. Every byte is compared with its hash; all of it is there in the end, or "
                + "nothing.")
        {
            folder,
            at,
            check,
            postgres,
        }.Writes(typeof(RestoreJson)).Runs(async (parsed, output, cancellationToken) =>
        {
            var (from, name, isCheck) = (parsed.GetValue(folder)!, parsed.GetValue(at), parsed.GetValue(check));
            var progress = new CopyProgress(output, isCheck ? "compared" : "restored", TimeProvider.System);
            var (data, database) = isCheck ? (null, null) : (Data(parsed), parsed.GetValue(postgres));
            var restored = data is null ? await CoordinatorRestore.CheckAsync(from, name, progress, cancellationToken)
                : await CoordinatorRestore.RestoreAsync(from, name, data, database, progress, TimeProvider.System, cancellationToken);
            output.Result(
                new RestoreJson(data is null ? null : Path.GetFullPath(data), restored.Name, restored.Taken, restored.Files, restored.Blobs,
                    restored.Bytes),
                console =>
                {
                    console.WriteLine($"Backup {restored.Name} {(data is null ? "is whole" : $"was restored to {data}")}: {restored.Blobs} "
                        + $"blobs and {restored.Files} files, {Units.Bytes(restored.Bytes)}.");
                    if (data is null)
                        return;
                    console.WriteLine(
                        output.Complete($"Start it: fedlora server --data {PrintedCommands.Quoted(data)}"
                            + (database is null ? "" : " --postgres CONN")));
                    console.WriteLine($"It knows nothing of what happened after {restored.Taken:u}: what was revoked since then is revoked "
                        + "again by hand, nodes that joined since then join again, and rounds since then are run again.");
                });
        });
    }

    public static Command Move()
    {
        var to = new Option<string>("--to")
        {
            Description = "An empty PostgreSQL database, e.g. 'Host=db;Database=fedlora;Username=fedlora'. The password from PGPASSWORD or "
                + "~/.pgpass.",
            Required = true,
        };
        return new Command("move",
            "Move the state of a coordinator that is stopped from its data folder to PostgreSQL, in one transaction. Back: backup, then "
                + "restore into a new folder.") { to }
            .Writes(typeof(MoveJson)).Runs(async (parsed, output, cancellationToken) =>
            {
                var data = Data(parsed);
                var moved = await CoordinatorMove.RunAsync(data, parsed.GetValue(to)!,
                    new CopyProgress(output, "moved", TimeProvider.System), TimeProvider.System, cancellationToken);
                output.Result(new MoveJson(Path.GetFullPath(data), moved.Rows, moved.Blobs, moved.Bytes), console =>
                {
                    console.WriteLine($"{moved.Rows} states and {moved.Blobs} blobs, {Units.Bytes(moved.Bytes)}, are in PostgreSQL.");
                    console.WriteLine(output.Complete($"Start it: fedlora server --data {PrintedCommands.Quoted(data)} --postgres CONN"));
                    console.WriteLine("The folder's state.db and blobs are not used any more; delete them once you have seen it run.");
                });
            });
    }

    // In the audit log of the coordinator that was read, before the command answers: by itself where it runs. A backup that was taken is
    // one all the same where that cannot be.
    private static async Task NoteAsync(ParseResult parsed, CommandOutput output, string subject, string outcome,
        CancellationToken cancellationToken)
    {
        try
        {
            if (!BackupNote.TryAppend(Data(parsed), subject, outcome, TimeProvider.System))
                await Operator.AtCoordinatorAsync(parsed, async connection => await connection.Upkeep.NoteBackupAsync(
                    new NoteBackupRequest { Subject = subject, Outcome = outcome }, connection.Call(cancellationToken)), cancellationToken);
        }
        catch (FedLoraException error)
        {
            output.Remark($"this backup does not stand in the coordinator's audit log: {error.Message}");
        }
    }

    private static string Data(ParseResult parsed) => Operator.DataOf(parsed)
        ?? throw new UsageException("no data folder is named", "Give --data DIR, the folder of the coordinator, before the command.");
}

/// <param name="Folder">Of the backups.</param>
/// <param name="Backup">Its name.</param>
/// <param name="Taken">The moment that it is of.</param>
/// <param name="Files">How many files besides the blobs.</param>
/// <param name="Blobs">How many blobs.</param>
/// <param name="Bytes">All of it.</param>
/// <param name="NewBytes">What was copied now.</param>
/// <param name="Damaged">Blobs that are damaged in the coordinator's store, and are not in it.</param>
/// <param name="Removed">Older backups that went.</param>
internal sealed record BackupJson(string Folder, string Backup, DateTimeOffset Taken, int Files, int Blobs, long Bytes, long NewBytes,
    IReadOnlyList<string> Damaged, int Removed);

/// <param name="Data">The new data folder; null where the backup was only compared with its hashes.</param>
/// <param name="Backup">Its name.</param>
/// <param name="Taken">The moment that it is of.</param>
/// <param name="Files">How many files besides the blobs.</param>
/// <param name="Blobs">How many blobs.</param>
/// <param name="Bytes">All of it.</param>
internal sealed record RestoreJson(string? Data, string Backup, DateTimeOffset Taken, int Files, int Blobs, long Bytes);

/// <param name="Data">The data folder, whose state is no longer in it.</param>
/// <param name="States">How many states of grains.</param>
/// <param name="Blobs">How many blobs.</param>
/// <param name="Bytes">Of the blobs.</param>
internal sealed record MoveJson(string Data, int States, int Blobs, long Bytes);
