using System.Diagnostics;

namespace FedLora.EndToEnd.Tests;

/// <summary>A real <c>fedlora client</c>, heard through its log.</summary>
internal sealed class ClientProcess : IDisposable
{
    private readonly Process _process;
    private readonly List<string> _lines = [];
    private readonly List<(string Text, TaskCompletionSource Said)> _awaited = [];

    public ClientProcess(params string[] arguments)
    {
        _process = Programs.Start(["client", .. arguments, "--threads", "1", "--with-parent"]);
        _ = _process.StandardOutput.ReadToEndAsync();
        _ = ListenAsync();
    }

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
    public Task<int> EndAsync(string signal) => Programs.EndAsync(_process, signal);

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
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
                said.TrySetException(new InvalidOperationException($"the client ended without saying '{text}'. It said:\n{string.Join('\n', _lines)}"));
        }
    }
}
