using System.Diagnostics;

namespace FedLora.Client.Trainers;

/// <summary>What a trainer started and left behind: its children are no longer its own once it has ended, but keep the environment that it
/// was started with, by which Linux tells them.</summary>
internal static class TrainerChildren
{
    /// <summary>The environment's variable that marks them.</summary>
    public const string Variable = "FEDLORA_TRAINER_RUN";

    private const int MostRounds = 10;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    /// <summary>Ends all that carry this mark; where a process may start another while it is ended, again.</summary>
    public static void End(string mark)
    {
        for (var round = 0; round < MostRounds && Marked($"{Variable}={mark}") is { Count: > 0 } left; round++)
        {
            foreach (var process in left)
            {
                using (process)
                    End(process);
            }
        }
    }

    private static void End(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit(Grace);
        }
        catch (Exception error) when (error is InvalidOperationException or System.ComponentModel.Win32Exception or AggregateException)
        {
            // It has ended, or is another user's by now.
        }
    }

    private static List<Process> Marked(string entry)
    {
        var found = new List<Process>();
        if (!Directory.Exists("/proc/self"))
            return found;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), out var id) && Carries(folder, entry) && Of(id) is { } process)
                found.Add(process);
        }
        return found;
    }

    private static bool Carries(string folder, string entry)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "environ")).Split('\0').Contains(entry, StringComparer.Ordinal);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is another user's.
            return false;
        }
    }

    private static Process? Of(int id)
    {
        try
        {
            return Process.GetProcessById(id);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
