using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

[assembly: AssemblyFixture(typeof(FedLora.Tests.PostgresEnd))]

namespace FedLora.Tests;

/// <summary>
/// The machine's own PostgreSQL on a free loopback port, in a folder that goes with it: one for all tests of a program. PostgreSQL does not
/// run as root: there, as the user postgres.
/// </summary>
public static class PostgresServer
{
    private static readonly string[] Folders = ["/usr/local/bin", "/usr/bin",
        .. Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")) : []];
    private static readonly Lazy<string?> Binaries = new(
        () => Folders.FirstOrDefault(
            folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "postgres"))));
    private static readonly Lazy<int> Port = new(Start);
    private static int _databases;
    private static Action? _end;

    /// <summary>Why there is none here; null if there is.</summary>
    public static string? Missing => Binaries.Value is null ? "this machine has no PostgreSQL (Debian: postgresql)" : null;

    /// <summary>A connection to a new, empty database.</summary>
    public static string NewDatabase()
    {
        var name = $"test{Interlocked.Increment(ref _databases)}";
        Run("createdb", "-h", "127.0.0.1", "-p", $"{Port.Value}", "-U", "fedlora", name);
        return $"Host=127.0.0.1;Port={Port.Value};Database={name};Username=fedlora";
    }

    /// <summary>Ends it and deletes its folder, where it was started.</summary>
    internal static void End() => _end?.Invoke();

    private static int Start()
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-postgres-").FullName;
        if (Environment.UserName == "root")
            Run("chown", "postgres", folder);
        var data = Path.Combine(folder, "data");
        Run("initdb", "-D", data, "-U", "fedlora", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync");
        var port = FreePort();
        var server = Process.Start(
            Command("postgres", "-D", data, "-p", $"{port}", "-c", "listen_addresses=127.0.0.1", "-c", $"unix_socket_directories={folder}",
                "-c", "max_connections=200"))!;
        _ = server.StandardError.ReadToEndAsync();
        _ = server.StandardOutput.ReadToEndAsync();
        // Tests that are broken off do not leave it behind; the others have ended it before.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Kill(entireProcessTree: true);
        _end = () =>
        {
            server.Kill(entireProcessTree: true);
            server.WaitForExit();
            Directory.Delete(folder, recursive: true);
        };
        var until = Stopwatch.StartNew();
        while (!Answers(port))
        {
            if (server.HasExited || until.Elapsed > TimeSpan.FromMinutes(2))
                throw new InvalidOperationException("PostgreSQL did not start");
        }
        return port;
    }

    private static bool Answers(int port)
    {
        using var asked = Process.Start(Command("pg_isready", "-h", "127.0.0.1", "-p", $"{port}"))!;
        asked.WaitForExit();
        return asked.ExitCode == 0;
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(Command(program, arguments))!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program}: {errors.Result}");
    }

    private static ProcessStartInfo Command(string program, params string[] arguments)
    {
        var path = Folders.Append(Binaries.Value!).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists) ?? program;
        string[] all = Environment.UserName == "root" && program != "chown"
            ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", path, .. arguments] : [path, .. arguments];
        var start = new ProcessStartInfo(all[0])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach (var argument in all.Skip(1))
            start.ArgumentList.Add(argument);
        return start;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>
/// Ends PostgreSQL after the last test, as a part of the run: its folder has thousands of files, and what is still at work ten seconds
/// after the run's end is taken for a thread that was left running.
/// </summary>
public sealed class PostgresEnd : IDisposable
{
    public void Dispose() => PostgresServer.End();
}
