namespace FedLora.Core;

/// <summary>A file that one process at a time holds open, to claim the folder that it lies in.</summary>
public static class HeldFile
{
    // EWOULDBLOCK on Linux and on BSD, sharing violation on Windows.
    private static readonly int[] Held = [11, 35, 32];

    /// <summary>Opens and holds the file; null while another process holds it.</summary>
    /// <exception cref="IOException">It cannot be opened: a full disk, a read-only one, ...</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    public static FileStream? TryOpen(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error) when (Held.Contains(error.HResult & 0xFFFF))
        {
            return null;
        }
    }
}
