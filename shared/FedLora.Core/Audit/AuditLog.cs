using System.Globalization;

namespace FedLora.Core.Audit;

/// <summary>
/// What happened and who did it, appended to files that are never changed: each entry carries the hash of the one before, so that a line
/// that is cut, edited or removed shows (<see cref="AuditFiles.Read"/>). Who can write the folder can write all of it anew; a
/// <see cref="Head"/> kept elsewhere shows that too. One process at a time writes; the folder above it is held by that process.
/// </summary>
public sealed class AuditLog : IDisposable
{
    /// <summary>The code of what could not be recorded.</summary>
    public const string Unwritable = "audit-unwritable";

    private const long UsualLimit = 64L << 20;

    private readonly Lock _turn = new();
    private readonly string _folder;
    private readonly long _limit;
    private readonly Action<FileStream, byte[]> _write;
    private bool _isClosed;
    private FileStream _file;
    private int _number;
    private TaskCompletionSource _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private AuditLog(string folder, long limit, Action<FileStream, byte[]> write, int number, FileStream file, AuditEntry? last)
    {
        (_folder, _limit, _write, _number, _file) = (folder, limit, write, number, file);
        (Count, Head) = last is null ? (0, AuditLine.Genesis) : (last.Sequence, last.Hash);
    }

    /// <summary>The folder of a log that belongs to a coordinator's data folder or a node's state folder.</summary>
    public static string FolderIn(string owner) => Path.Combine(owner, "audit");

    /// <summary>Where it lies.</summary>
    public string Folder => _folder;

    /// <summary>How many entries there are.</summary>
    public long Count { get; private set; }

    /// <summary>The newest entry's hash; of an empty log, 64 zeros.</summary>
    public string Head { get; private set; }

    /// <summary>Why the newest entry could not be written; null where it was. The next one tries again.</summary>
    public string? Failure { get; private set; }

    /// <summary>Opens a log to go on with, or begins one. What was being written when the last writer was killed is cut off.</summary>
    /// <param name="folder">Its own; made if need be.</param>
    /// <param name="limit">A file that has this many bytes is followed by another.</param>
    /// <exception cref="FedLoraException"><c>audit-damaged</c>: its last line is no entry.</exception>
    /// <exception cref="FedLoraException"><c>audit-unwritable</c>.</exception>
    public static AuditLog Open(string folder, long limit = UsualLimit) =>
        Open(folder, static (file, line) => file.Write(line), limit);

    /// <summary>The same with another way to write a line.</summary>
    internal static AuditLog Open(string folder, Action<FileStream, byte[]> write, long limit = UsualLimit)
    {
        try
        {
            return OpenFolder(folder, write, limit);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException(Unwritable, $"the audit log in {folder} cannot be opened: {error.Message}",
                "Mend its rights, or free some space.", error);
        }
    }

    private static AuditLog OpenFolder(string folder, Action<FileStream, byte[]> write, long limit)
    {
        Directory.CreateDirectory(folder);
        var last = AuditFiles.Newest(folder);
        var number = AuditFiles.Paths(folder) is [.., var newest]
            && int.TryParse(Path.GetFileNameWithoutExtension(newest), CultureInfo.InvariantCulture, out var named) ? named : 1;
        var file = new FileStream(AuditFiles.PathOf(folder, number), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 1);
        file.Position = CutTail(file);
        return new AuditLog(folder, limit, write, number, file, last);
    }

    /// <summary>
    /// Appends an entry; it survives the end of this process at once, and that of the machine after <see cref="Flush"/>. Does not throw for
    /// a disk that is full, see <see cref="Failure"/>, and does nothing in a log that is closed: programs log to their very end.
    /// </summary>
    public void Append(DateTimeOffset at, string level, string kind, string message, IReadOnlyDictionary<string, string> fields)
    {
        TaskCompletionSource grown;
        lock (_turn)
        {
            if (_isClosed)
                return;
            var start = _file.Position;
            try
            {
                if (start >= _limit)
                    start = Next();
                var (entry, line) = AuditLine.Write(
                    new AuditEntry(Count + 1, at.ToUniversalTime(), level, kind, message.ReplaceLineEndings(" "), fields, Head));
                _write(_file, line);
                (Count, Head, Failure) = (entry.Sequence, entry.Hash, null);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Failure = error.Message;
                Restore(start);
            }
            (grown, _grown) = (_grown, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        grown.SetResult();
    }

    /// <summary>To be asked before something that must be recorded: tries again where the newest entry could not be written.</summary>
    /// <exception cref="FedLoraException"><c>audit-unwritable</c>.</exception>
    public void RequireWritable(DateTimeOffset now)
    {
        if (Failure is { } why)
            Append(now, "warning", "Resumed", $"the log is written again; entries before this one are missing, since: {why}",
                new Dictionary<string, string>());
        Flush();
    }

    /// <summary>Forces what was appended to the disk.</summary>
    /// <param name="done">What was done before, as the beginning of a sentence; null: nothing.</param>
    /// <exception cref="FedLoraException"><c>audit-unwritable</c>: the newest entry could not be written.</exception>
    public void Flush(string? done = null)
    {
        lock (_turn)
        {
            try
            {
                if (Failure is null && !_isClosed)
                    _file.Flush(flushToDisk: true);
            }
            catch (IOException error)
            {
                Failure = error.Message;
            }
        }
        if (Failure is not { } why)
            return;
        throw done is null
            ? new FedLoraException(Unwritable, $"the audit log in {_folder} cannot be written: {why}",
                "Nothing was done, since it could not be recorded: free some space, then try again.")
            : new FedLoraException(Unwritable, $"{done} could not be recorded, as the audit log in {_folder} cannot be written: {why}",
                "Look what is so now, and free some space.");
    }

    /// <summary>Waits until there are more entries than this.</summary>
    public async Task WaitAsync(long count, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task grown;
            lock (_turn)
            {
                if (Count > count)
                    return;
                grown = _grown.Task;
            }
            await grown.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_turn)
        {
            _isClosed = true;
            _file.Dispose();
        }
    }

    private long Next()
    {
        var next = new FileStream(AuditFiles.PathOf(_folder, _number + 1), FileMode.Create, FileAccess.ReadWrite, FileShare.Read, 1);
        _file.Dispose();
        (_file, _number) = (next, _number + 1);
        return 0;
    }

    private void Restore(long start)
    {
        try
        {
            _file.SetLength(start);
            _file.Position = start;
        }
        catch (IOException)
        {
            // The next opening cuts it off.
        }
    }

    private static long CutTail(FileStream file)
    {
        var end = file.Length;
        for (; end > 0; end--)
        {
            file.Position = end - 1;
            if (file.ReadByte() == '\n')
                break;
        }
        file.SetLength(end);
        return end;
    }
}
