namespace FedLora.Privacy.Ledger;

/// <summary>The few file operations of a ledger. Each returns only once its effect would survive a power cut.</summary>
public interface ILedgerStorage
{
    /// <summary>A file's content; null if there is none.</summary>
    byte[]? Read(string name);

    /// <summary>
    /// Appends to a file, creating it if need be. If the process dies in it, a part may have been appended; if it throws, nothing has.
    /// </summary>
    void Append(string name, ReadOnlySpan<byte> content);

    /// <summary>Replaces a file as a whole: afterwards, also after a crash, it holds the old content or the new.</summary>
    void Replace(string name, ReadOnlySpan<byte> content);

    /// <summary>Cuts a file.</summary>
    void Truncate(string name, long length);

    /// <summary>The names of all files of a sub-folder, with the folder.</summary>
    IEnumerable<string> List(string folder);
}
