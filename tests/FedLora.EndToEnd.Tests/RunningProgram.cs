using System.Diagnostics;

namespace FedLora.EndToEnd.Tests;

/// <summary>A real <c>fedlora ...</c> that runs for a while, heard through what it says on standard error.</summary>
internal sealed class RunningProgram : IDisposable
{
    private readonly Process _process;
    private readonly List<string> _lines = [];
    private readonly List<(string Text, TaskCompletionSource Said)> _awaited = [];

    private readonly Task _heard;

    /// <param name="arguments">After <c>fedlora</c>.</param>
    /// <param name="temporary">Where it makes temporary folders; the system's place if not given.</param>
    /// <param name="environment">What its environment has besides.</param>
    public RunningProgram(string[] arguments, string? temporary = null, params (string Name, string Value)[] environment)
    {
        _process = Programs.Start(arguments, temporary, environment);
        Output = _process.StandardOutput.ReadToEndAsync();
        _heard = ListenAsync();
    }

    /// <summary>All that it writes to standard output, once it has ended.</summary>
    public Task<string> Output { get; }

    /// <summary>The last line that it has said.</summary>
    public string LastLine
    {
        get
        {
            lock (_lines) return _lines.Count > 0 ? _lines[^1] : "";
        }
    }

    /// <summary>A training node that ends with this process.</summary>
    public static RunningProgram Client(params string[] arguments) => Client(arguments, []);

    /// <inheritdoc cref="Client(string[])"/>
    public static RunningProgram Client(string[] arguments, (string Name, string Value)[] environment) =>
        new(["client", .. arguments, "--threads", "1", "--with-parent"], null, environment);

    /// <summary>Waits until its log has a line with this text.</summary>
    public async Task SaidAsync(string text)
    {
        var said = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lines)
        {
            if (_lines.Exists(line => line.Contains(text, StringComparison.Ordinal))) return;
            _awaited.Add((text, said));
        }

        await said.Task.WaitAsync(Limits.Step);
    }

    /// <summary>Whether its log has a line with this text so far.</summary>
    public bool HasSaid(string text)
    {
        lock (_lines) return _lines.Exists(line => line.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Limits.Step);
    }

    /// <summary>Ends it as a person or systemd does (INT, TERM); returns its exit code.</summary>
    /// <param name="signal">Its name.</param>
    /// <param name="toGroup">Whether its children get the signal too, as from a terminal.</param>
    public async Task<int> EndAsync(string signal, bool toGroup = false)
    {
        var code = await Programs.EndAsync(_process, signal, toGroup);
        await _heard.WaitAsync(Limits.Step);
        return code;
    }

    /// <summary>Waits for its own end; returns its exit code.</summary>
    public async Task<int> EndedAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Limits.Step);
        await _heard.WaitAsync(Limits.Step);
        return _process.ExitCode;
    }

    /// <summary>The processes that are left of it and its children.</summary>
    public IEnumerable<string> ProcessesLeft() =>
        Directory.EnumerateFiles("/proc", "stat", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 })
            .Select(StatOf)
            .Where(
                stat => stat.Length > 0 && stat[(stat.LastIndexOf(')') + 2)..].Split(' ') is [not "Z", _, var group, ..]
                    && group == $"{_process.Id}");

    private static string StatOf(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return "";
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private async Task ListenAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_lines)
            {
                _lines.Add(line);
                foreach (var (text, said) in _awaited)
                {
                    if (line.Contains(text, StringComparison.Ordinal)) said.TrySetResult();
                }
            }
        }

        lock (_lines)
        {
            foreach (var (text, said) in _awaited)
                said.TrySetException(
                    new InvalidOperationException($"it ended without saying '{text}'. It said:\n{string.Join('\n', _lines)}"));
        }
    }
}
