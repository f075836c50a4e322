using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace FedLora.EndToEnd.Tests;

/// <summary>
/// Coordinator and node as services: systemd (here a program of that name) is told when they are ready, and that they end.
/// </summary>
public sealed class ServiceTests : IDisposable
{
    private readonly RealSites _sites = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-e2e-");

    [Fact]
    public async Task A_coordinator_tells_systemd_that_it_is_ready() =>
        await TellsAsync("server", "--data", Path.Combine(_folder.FullName, "data"), "--listen", "http://127.0.0.1:0");

    [Fact]
    public async Task A_node_tells_systemd_that_it_is_ready() =>
        await TellsAsync(["client", .. _sites.Arguments("http://127.0.0.1:1", "a"), "--token-file", _sites.Keep("token", "token")]);

    public void Dispose()
    {
        _sites.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task TellsAsync(params string[] arguments)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("systemd is Linux's");
        var (shell, path) = (Path.Combine(_folder.FullName, "systemd"), Path.Combine(_folder.FullName, "notify"));
        File.CreateSymbolicLink(shell, "/bin/sh");
        using var heard = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        heard.Bind(new UnixDomainSocketEndPoint(path));
        // The shell's name is what the program sees of its parent; it passes SIGTERM on, as systemd does.
        var start = new ProcessStartInfo(shell,
            ["-c", "dotnet exec \"$@\" & trap 'kill $!' TERM; wait $!; wait $!", "-", Programs.Program, .. arguments])
        {
            Environment = { ["NOTIFY_SOCKET"] = path },
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        try
        {
            _ = process.StandardOutput.ReadToEndAsync();
            _ = process.StandardError.ReadToEndAsync();
            Assert.Equal("READY=1", await NextAsync());
            await Programs.EndAsync(process, "TERM");
            Assert.Equal("STOPPING=1", await NextAsync());
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }

        async Task<string> NextAsync()
        {
            using var limit = new CancellationTokenSource(Limits.Step);
            var buffer = new byte[256];
            return Encoding.UTF8.GetString(buffer, 0, await heard.ReceiveAsync(buffer, limit.Token));
        }
    }
}
