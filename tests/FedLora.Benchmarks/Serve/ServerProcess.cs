using System.Diagnostics;
using System.Globalization;
using FedLora.Client.Connection;
using FedLora.Protocol.V1;
using FedLora.Tests;

namespace FedLora.Benchmarks.Serve;

/// <summary>A <c>fedlora server</c> of some build in a process of its own, on a free port and an empty folder, which go with it.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-bench-");
    private Process? _process;
    private string _operator = "";
    private PeerIdentity? _identity;

    private ServerProcess()
    {
    }

    /// <summary>This build's program.</summary>
    public static string Ours { get; } = Path.Combine(AppContext.BaseDirectory, "fedlora.dll");

    public string Url { get; private set; } = "";

    /// <summary>Its data folder.</summary>
    public string Data => Path.Combine(_folder.FullName, "server");

    /// <summary>Starts one; when this returns it answers.</summary>
    /// <param name="program">The build's <c>fedlora.dll</c>.</param>
    /// <param name="tls">Whether it speaks mutual TLS.</param>
    /// <param name="postgres">Connection string of an empty database that takes its state; null: it is in its folder.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="FedLoraException"><c>bench-process</c>: it did not start.</exception>
    public static async Task<ServerProcess> StartAsync(string program, bool tls, string? postgres, CancellationToken cancellationToken)
    {
        if (!File.Exists(program))
            throw new FedLoraException("bench-process", $"there is no program {program}", "name a build's fedlora.dll");
        var server = new ServerProcess();
        try
        {
            await server.BootAsync(program, tls, postgres, cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>A connection of its own, for the operator unless a credential is given with the call.</summary>
    public CoordinatorConnection Connect() => new(Url, identity: _identity) { Credential = _operator };

    /// <summary>A token for so many nodes.</summary>
    public async Task<string> TokenAsync(int uses, CancellationToken cancellationToken)
    {
        using var connection = Connect();
        return (await connection.Admin.CreateTokenAsync(new CreateTokenRequest { Uses = (uint)uses },
            connection.Options(cancellationToken))).Token;
    }

    /// <summary>Processor time that it has used so far.</summary>
    public TimeSpan Cpu()
    {
        _process!.Refresh();
        return _process.TotalProcessorTime;
    }

    /// <summary>Resident memory now, and the most that it ever was, MiB.</summary>
    public (double Now, double Peak) Resident() => (Status("VmRSS:"), Status("VmHWM:"));

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        _identity?.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task BootAsync(string program, bool tls, string? postgres, CancellationToken cancellationToken)
    {
        var listen = $"{(tls ? "https" : "http")}://127.0.0.1:0";
        var start = new ProcessStartInfo("env",
            [.. ServerSettings.ForEnv, "dotnet", "exec", program, "server", "--data", Data, "--listen", listen, "--with-parent"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (postgres is not null)
            start.Environment["FEDLORA_POSTGRES"] = postgres;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        // The folder says where it is as soon as it answers.
        var (file, begun) = (Path.Combine(Data, "coordinator.url"), Stopwatch.GetTimestamp());
        while (!File.Exists(file))
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(begun) > Patience)
                throw new FedLoraException("bench-process", $"the server of {program} did not start", "start it by hand to see why");
            await Task.Delay(50, cancellationToken);
        }

        Url = (await File.ReadAllTextAsync(file, cancellationToken)).Trim();
        _operator = (await File.ReadAllTextAsync(Path.Combine(Data, "operator.token"), cancellationToken)).Trim();
        if (tls)
            _identity = new PeerIdentity(Data, "operator", TimeProvider.System);
    }

    private double Status(string name)
    {
        var line = File.ReadLines($"/proc/{_process!.Id}/status").First(line => line.StartsWith(name, StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
