using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace FedLora.Tests;

/// <summary>A real disk of so few bytes that it is soon full: a tmpfs, which only root can mount.</summary>
public sealed class TinyDisk : IDisposable
{
    private const string Padding = "padding";

    /// <param name="size">As mount takes it, e.g. <c>1m</c>.</param>
    public TinyDisk(string size)
    {
        Root = Directory.CreateTempSubdirectory("fedlora-disk-").FullName;
        if (Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", Root) is { Length: > 0 } error)
            throw new InvalidOperationException(error);
    }

    /// <summary>Why no test can have one here; null where it can.</summary>
    public static string? Unavailable { get; } = Try();

    /// <summary>Where it is mounted.</summary>
    public string Root { get; }

    /// <summary>Takes all room but so many KiB.</summary>
    public void Fill(int leave = 0)
    {
        var room = new DriveInfo(Root).AvailableFreeSpace - (leave << 10);
        using var file = new FileStream(Path.Combine(Root, Padding), FileMode.Append);
        file.Write(new byte[Math.Max(0, room)]);
    }

    /// <summary>Gives the room back.</summary>
    public void Free() => File.Delete(Path.Combine(Root, Padding));

    /// <summary>The names of all files on it but the padding and those named, below its root.</summary>
    public IEnumerable<string> Files() => Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Root, path)).Where(name => name != Padding).Order(StringComparer.Ordinal);

    /// <inheritdoc/>
    public void Dispose()
    {
        // Lazily: a process that was killed a moment ago may still hold a file.
        Run("umount", "-l", Root);
        Directory.Delete(Root);
    }

    private static string? Try()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
            return "a disk that is full needs a tmpfs, and only root can mount one";
        try
        {
            using var disk = new TinyDisk("64k");
            return null;
        }
        catch (InvalidOperationException error)
        {
            return $"a disk that is full needs a tmpfs, which cannot be mounted here: {error.Message}";
        }
    }

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
        var said = process.StandardError.ReadToEnd().Trim();
        process.WaitForExit();
        return process.ExitCode == 0 ? "" : said.Length > 0 ? said : $"{program} ended with {process.ExitCode}";
    }
}

/// <summary>A test on a <see cref="TinyDisk"/>: skipped, saying why, where none can be had.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TinyDiskFactAttribute : FactAttribute
{
    public TinyDiskFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber) => Skip = TinyDisk.Unavailable;
}
