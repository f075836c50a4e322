namespace FedLora.Core;

/// <summary>The user's cache, for what can be computed again.</summary>
public static class CacheFolder
{
    /// <summary><c>$XDG_CACHE_HOME/fedlora</c> or <c>~/.cache/fedlora</c>.</summary>
    public static string Path { get; } = System.IO.Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } named ? named
            : System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "fedlora");

    /// <summary>
    /// Writes a file, or leaves it where the cache cannot be written (read-only home, full disk): nothing but time depends on it.
    /// </summary>
    public static void TryWrite(string path, string text)
    {
        try
        {
            Directory.CreateDirectory(Path);
            AtomicFile.Write(path, text);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FedLoraException)
        {
            return;
        }
    }
}
