using System.Diagnostics;
using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary>The program under test, as users start it.</summary>
internal static class Programs
{
    /// <summary>The program's file, for <c>dotnet exec</c>.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "fedlora.dll");

    // env and setsid become the program (no process more): whoever starts the tests in the background has its children ignore SIGINT, and
    // a group of its own lets a test send it what a terminal sends.
    public static Process Start(params string[] arguments) => Start(arguments, temporary: null);

    /// <param name="arguments">After <c>fedlora</c>.</param>
    /// <param name="temporary">Where it and its children make temporary folders; the system's place if not given.</param>
    /// <param name="environment">What its environment has besides.</param>
    public static Process Start(string[] arguments, string? temporary, params (string Name, string Value)[] environment)
    {
        string[] settings = arguments is ["server", ..] ? ServerSettings.ForEnv : [];
        var start = new ProcessStartInfo("setsid", ["env", "--default-signal=INT", .. settings, "dotnet", "exec", Program, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["TMPDIR"] = temporary ?? Path.GetTempPath() },
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Sends a signal (INT, TERM) and waits for the end; returns the exit code.</summary>
    /// <param name="process">Started here.</param>
    /// <param name="signal">Its name.</param>
    /// <param name="toGroup">Whether its children get the signal too, as from a terminal.</param>
    public static async Task<int> EndAsync(Process process, string signal, bool toGroup = false)
    {
        using var kill = Process.Start("kill", [$"-{signal}", "--", toGroup ? $"-{process.Id}" : $"{process.Id}"]);
        await kill.WaitForExitAsync();
        await process.WaitForExitAsync().WaitAsync(Limits.Step);
        return process.ExitCode;
    }

    /// <summary>Runs it to its end.</summary>
    public static Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments) => RunAsync(arguments, []);

    /// <inheritdoc cref="RunAsync(string[])"/>
    public static async Task<(int Code, string Output, string Errors)> RunAsync(string[] arguments,
        (string Name, string Value)[] environment)
    {
        using var process = Start(arguments, null, environment);
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Limits.Step);
        return (process.ExitCode, await output, await errors);
    }
}

/// <summary>Longest that a test waits for what must happen: generous, since it only matters when something is broken.</summary>
internal static class Limits
{
    public static readonly TimeSpan Step = TimeSpan.FromMinutes(10);
}
