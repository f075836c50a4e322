using System.Security.Cryptography;
using System.Text;
using FedLora.Core.Audit;

namespace FedLora.Client.State;

/// <summary>
/// The daemon's own folder: credential, cache of adapters, updates that are not yet acknowledged. One daemon at a time: a second one is
/// refused while the first lives.
/// </summary>
public sealed class NodeFolder : IDisposable
{
    private readonly FileStream _held;
    private readonly bool _isNew;

    /// <summary>Opens the folder, making it if need be.</summary>
    /// <exception cref="FedLoraException"><c>state-locked</c>, <c>state-unwritable</c>.</exception>
    public NodeFolder(string root)
    {
        Root = Path.GetFullPath(root);
        _isNew = !Path.Exists(Root);
        try
        {
            Directory.CreateDirectory(Cache);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            _held = HeldFile.TryOpen(LockOf(Root))
                ?? throw new FedLoraException("state-locked", $"another client is running on the state folder {Root}",
                    "stop it, or give this one a folder of its own with --state");
            AtomicFile.DeleteLeftovers(Root, SearchOption.AllDirectories);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("state-unwritable", $"cannot use the state folder {Root}: {error.Message}",
                "choose another with --state, free some space, or mend its rights", error);
        }
    }

    /// <summary>Absolute path.</summary>
    public string Root { get; }

    /// <summary>Adapters by content hash.</summary>
    public string Cache => CacheOf(Root);

    /// <summary>The node's identity.</summary>
    public string CredentialFile => CredentialFileOf(Root);

    /// <summary>What one federation leaves from round to round. Its name comes from the wire, so the folder is named by its hash.</summary>
    public string FederationFolder(string federation) => Directory.CreateDirectory(FederationFolderOf(Root, federation)).FullName;

    /// <summary>The identity in a state folder that another process may hold.</summary>
    public static string CredentialFileOf(string root) => Path.Combine(root, "node.json");

    /// <summary>The folders of all federations that it has worked for.</summary>
    public IReadOnlyList<string> FederationFolders() => FederationFoldersOf(Root);

    /// <summary>The same for a folder that another process may hold.</summary>
    public static IReadOnlyList<string> FederationFoldersOf(string root) =>
        Directory.Exists(FederationsOf(root)) ? Directory.GetDirectories(FederationsOf(root)) : [];

    /// <summary>A state folder that must be there.</summary>
    /// <exception cref="FedLoraException"><c>state-missing</c>.</exception>
    public static string Existing(string root) => Directory.Exists(root) ? root
        : throw new FedLoraException("state-missing", $"there is no state folder {root}", "a node makes it at its first start");

    /// <summary>The privacy ledger's folder of a state folder that another process may hold.</summary>
    public static string LedgerOf(string root) => Path.Combine(root, "ledger");

    /// <summary>Whether a daemon is running on a state folder.</summary>
    public static bool IsHeld(string root)
    {
        if (!File.Exists(LockOf(root)))
            return false;
        using var free = HeldFile.TryOpen(LockOf(root));
        return free is null;
    }

    /// <summary>The adapters' folder of a state folder that another process may hold.</summary>
    public static string CacheOf(string root) => Path.Combine(root, "cache");

    /// <summary>The same for a folder that another process may hold.</summary>
    public static string FederationFolderOf(string root, string federation) =>
        Path.Combine(FederationsOf(root), Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(federation)))[..32]);

    private static string LockOf(string root) => Path.Combine(root, "lock");

    private static string FederationsOf(string root) => Path.Combine(root, "federations");

    /// <summary>
    /// Lets go of the folder. One that was made for this daemon, and that it put nothing into but its log, goes again: a start that failed
    /// leaves nothing behind.
    /// </summary>
    public void Dispose()
    {
        try
        {
            if (_isNew && Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories)
                .All(file => file == _held.Name || Path.GetDirectoryName(file) == AuditLog.FolderIn(Root)))
                Directory.Delete(Root, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // An empty folder harms nobody.
        }
        _held.Dispose();
    }
}
