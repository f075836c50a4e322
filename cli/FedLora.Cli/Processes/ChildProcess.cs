using System.Diagnostics;

namespace FedLora.Cli.Processes;

/// <summary>
/// Another process of this program. Its output goes to a log file. It ends when this object is disposed, and also when this process dies in
/// any way, because it holds the other end of the child's standard input (<see cref="ParentWatch"/>).
/// </summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);
    private readonly Process _process;
    private readonly Task _logging;

    private ChildProcess(Process process, Task logging, string name, string log)
    {
        this._process = process;
        this._logging = logging;
        Name = name;
        Log = log;
    }

    /// <summary>What it is, for people.</summary>
    internal string Name { get; }

    /// <summary>Its log file.</summary>
    internal string Log { get; }

    /// <summary>Its process id.</summary>
    internal int Id => _process.Id;

    /// <summary>Starts <c>fedlora ARGS</c> with <paramref name="threads"/> processor threads.</summary>
    internal static ChildProcess Start(string name, string log, int threads, params string[] args) => Start(name, log, threads, null, args);

    /// <inheritdoc cref="Start(string, string, int, string[])"/>
    /// <param name="name">What it is, for people.</param>
    /// <param name="log">Its log file.</param>
    /// <param name="threads">Processor threads.</param>
    /// <param name="heard">Told of every line that it writes, one at a time.</param>
    /// <param name="args">Of the command line.</param>
    internal static ChildProcess Start(string name, string log, int threads, Action<string>? heard, string[] args)
    {
        // Installed with its own runtime it is itself what is started; otherwise dotnet is, with it.
        var (own, itself) =
            (Environment.ProcessPath, Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "fedlora.exe" : "fedlora"));
        var start = new ProcessStartInfo(own == itself || Path.GetFileNameWithoutExtension(own) == "dotnet" ? own! : "dotnet")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (own != itself)
        {
            start.ArgumentList.Add("exec");
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "fedlora.dll"));
        }
        foreach (var arg in args)
            start.ArgumentList.Add(arg);
        // BLAS and OpenMP read these once, before main(); more threads than cores only wait for each other.
        foreach (var variable in (ReadOnlySpan<string>)["OMP_NUM_THREADS", "MKL_NUM_THREADS"])
            start.Environment[variable] = threads.ToString();
        var started = Process.Start(start)
            ?? throw new FedLoraException("process-failed", $"cannot start {name}", "is 'dotnet' on the PATH?");
        return new ChildProcess(started, CopyAsync(started, log, heard), name, log);
    }

    /// <summary>Waits for its end.</summary>
    /// <exception cref="FedLoraException"><c>process-failed</c>: it ended with another exit code than 0; <c>log-unwritable</c>.</exception>
    internal async Task WaitAsync(CancellationToken cancellationToken)
    {
        await ExitedAsync(cancellationToken);
        if (_process.ExitCode != 0)
            throw await FailedAsync(cancellationToken);
    }

    /// <summary>Ends only if the process ends, or its log cannot be written: with the error that tells why.</summary>
    internal async Task FailsAsync(CancellationToken cancellationToken)
    {
        await ExitedAsync(cancellationToken);
        throw await FailedAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(Grace);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }
        // What it could not write, it has told whoever waited for the process.
        await _logging.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _process.Dispose();
    }

    // The output ends when the process does, and at once where the log cannot be written.
    private async Task ExitedAsync(CancellationToken cancellationToken)
    {
        await _logging.WaitAsync(cancellationToken);
        await _process.WaitForExitAsync(cancellationToken);
    }

    private async Task<FedLoraException> FailedAsync(CancellationToken cancellationToken)
    {
        await Interruption.SettleAsync(cancellationToken);
        var last = File.ReadLines(Log).LastOrDefault(line => line.Length > 0) ?? "it said nothing";
        return new FedLoraException("process-failed", $"{Name} ended with exit code {_process.ExitCode}: {last.Trim()}",
            $"its log is {Log}");
    }

    private static async Task CopyAsync(Process process, string log, Action<string>? heard)
    {
        try
        {
            await CopyLinesAsync(process, log, heard);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("log-unwritable", $"cannot write the log {log}: {error.Message}",
                "free some space, or choose another folder with --out", error);
        }
    }

    private static async Task CopyLinesAsync(Process process, string log, Action<string>? heard)
    {
        await using var file = new StreamWriter(log) { AutoFlush = true };
        using var one = new SemaphoreSlim(1, 1);
        await Task.WhenAll(LinesAsync(process.StandardOutput), LinesAsync(process.StandardError));

        async Task LinesAsync(StreamReader reader)
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                await one.WaitAsync();
                try
                {
                    await file.WriteLineAsync(line);
                    heard?.Invoke(line);
                }
                finally
                {
                    one.Release();
                }
            }
        }
    }
}
