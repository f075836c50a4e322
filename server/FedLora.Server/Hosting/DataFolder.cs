namespace FedLora.Server.Hosting;

/// <summary>The coordinator's folder, held by one process at a time.</summary>
public sealed class DataFolder : IDisposable
{
    private readonly FileStream _held;

    /// <summary>Opens the folder, making it if need be, and holds it.</summary>
    /// <exception cref="FedLoraException"><c>data-unwritable</c>, <c>data-locked</c>.</exception>
    public DataFolder(string root)
    {
        Root = Path.GetFullPath(root);
        try
        {
            Directory.CreateDirectory(Root);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            _held = HeldFile.TryOpen(Path.Combine(Root, "lock"))
                ?? throw new FedLoraException("data-locked", $"another coordinator is running on the data folder {Root}",
                    "stop it, or choose another folder with --data");
            AtomicFile.DeleteLeftovers(Root);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("data-unwritable", $"cannot use the data folder {Root}: {error.Message}",
                "choose another with --data, free some space, or mend its rights", error);
        }
    }

    /// <summary>Absolute path.</summary>
    public string Root { get; }

    /// <summary>Where the running coordinator says its address, for <c>fedlora admin --data</c>.</summary>
    public string UrlFile => UrlFileOf(Root);

    /// <summary>The address file of a data folder.</summary>
    public static string UrlFileOf(string root) => Path.Combine(root, "coordinator.url");

    /// <inheritdoc/>
    public void Dispose() => _held.Dispose();
}
