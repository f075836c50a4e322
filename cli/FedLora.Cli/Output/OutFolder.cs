namespace FedLora.Cli.Output;

/// <summary>The folder that <c>--out</c> names.</summary>
internal static class OutFolder
{
    /// <summary>Makes it, if need be, before the work begins whose result it is for.</summary>
    /// <exception cref="FedLoraException"><c>out-unwritable</c>.</exception>
    internal static void Create(string folder) => Use(folder, () => Directory.CreateDirectory(folder));

    /// <summary>Claims it for this process; null while another one has it.</summary>
    /// <exception cref="FedLoraException"><c>out-unwritable</c>.</exception>
    internal static FileStream? TryHold(string folder) => Use(folder, () => HeldFile.TryOpen(Path.Combine(folder, "lock")));

    private static T Use<T>(string folder, Func<T> use)
    {
        try
        {
            return use();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("out-unwritable", $"cannot use the folder {folder}: {error.Message}",
                "choose another with --out, or mend its rights", error);
        }
    }
}
