using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using FedLora.Client.Connection;

namespace FedLora.EndToEnd.Tests;

/// <summary>A real <c>fedlora server</c> on a free port, with a data folder that outlives it.</summary>
internal sealed class CoordinatorProcess : IAsyncDisposable
{
    private Process? _process;

    private readonly string[] _more;

    private CoordinatorProcess(string data, string url, string[] more) => (Data, Url, _more) = (data, url, more);

    public string Data { get; }

    public string Url { get; }

    public string OperatorToken => File.ReadAllText(Path.Combine(Data, "operator.token")).Trim();

    /// <param name="data">Its folder; a temporary one if not given.</param>
    /// <param name="more">Further options of <c>fedlora server</c>.</param>
    public static Task<CoordinatorProcess> StartAsync(string? data = null, params string[] more) => StartAsync("http", data, more);

    /// <summary>One that speaks TLS, as it does unless it is told otherwise.</summary>
    public static Task<CoordinatorProcess> StartSecureAsync() => StartAsync("https", null, []);

    /// <summary>One on another folder where this one, which has ended, was reached.</summary>
    public async Task<CoordinatorProcess> SucceedAsync(string data, params string[] more)
    {
        var coordinator = new CoordinatorProcess(data, Url, more);
        await coordinator.StartAgainAsync();
        return coordinator;
    }

    private static async Task<CoordinatorProcess> StartAsync(string scheme, string? data, string[] more)
    {
        var coordinator = new CoordinatorProcess(data ?? Directory.CreateTempSubdirectory("fedlora-e2e-").FullName,
            $"{scheme}://127.0.0.1:{FreePort()}", more);
        await coordinator.StartAgainAsync();
        return coordinator;
    }

    /// <summary>A connection of its operator: by the data folder's certificate, or without TLS by its token.</summary>
    /// <param name="addresses">Of a cluster; the coordinator's own if not given.</param>
    public CoordinatorConnection Connect(string? addresses = null) => Url.StartsWith("https:", StringComparison.Ordinal)
        ? new CoordinatorConnection(addresses ?? Url, identity: new PeerIdentity(Data, "operator", TimeProvider.System))
        : new CoordinatorConnection(addresses ?? Url) { Credential = OperatorToken };

    /// <summary>Starts it on the same folder and port; when this returns it answers.</summary>
    public async Task StartAgainAsync()
    {
        _process = Programs.Start(["server", "--data", Data, "--listen", Url, "--dashboard", "off", "--json", "--with-parent", .. _more]);
        var errors = _process.StandardError.ReadToEndAsync();
        var line = await _process.StandardOutput.ReadLineAsync().WaitAsync(Limits.Step);
        if (line is null) throw new InvalidOperationException($"the coordinator did not start: {await errors}");
        _ = _process.StandardOutput.ReadToEndAsync();
    }

    /// <summary>Whether it has ended by itself.</summary>
    public bool HasEnded => _process is { HasExited: true };

    /// <summary>kill -9: nothing is written, nothing is said.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync().WaitAsync(Limits.Step);
        _process.Dispose();
        _process = null;
    }

    /// <summary>Ends it as a person or systemd does (INT, TERM); returns its exit code.</summary>
    public async Task<int> EndAsync(string signal)
    {
        var code = await Programs.EndAsync(_process!, signal);
        _process!.Dispose();
        _process = null;
        return code;
    }

    public async Task KillAndStartAgainAsync()
    {
        await KillAsync();
        await StartAgainAsync();
    }

    /// <summary>Ends when so many bytes of an update that is on its way lie in its data folder.</summary>
    public async Task HasReceivedAsync(long bytes)
    {
        var folder = new DirectoryInfo(Path.Combine(Data, "partial"));
        var there = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watcher = new FileSystemWatcher(folder.FullName);
        watcher.Created += (_, _) => Look();
        watcher.Changed += (_, _) => Look();
        watcher.EnableRaisingEvents = true;
        Look();
        await there.Task.WaitAsync(Limits.Step);

        void Look()
        {
            if (folder.EnumerateFiles().Any(file => file.Length >= bytes)) there.TrySetResult();
        }
    }

    /// <summary>Most resident memory that it has had so far, MiB.</summary>
    public double PeakMemory()
    {
        var line = File.ReadLines($"/proc/{_process!.Id}/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) / 1024.0;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await KillAsync();
        if (Directory.Exists(Data)) Directory.Delete(Data, recursive: true);
    }

    // Below the ports that Linux gives out by itself: no connection of anybody else takes it while the coordinator is down between kill and
    // start.
    private static int FreePort()
    {
        while (true)
        {
            using var listener = new TcpListener(IPAddress.Loopback, Random.Shared.Next(16_000, 32_000));
            try
            {
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException)
            {
                // Somebody has it: another one.
            }
        }
    }
}
