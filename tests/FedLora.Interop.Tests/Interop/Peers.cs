using System.Diagnostics;
using FedLora.Tests;

namespace FedLora.Interop.Tests.Interop;

/// <summary>Other people's gRPC on this machine: whether it is here, and how it is started.</summary>
internal static class Peers
{
    public const string Node = "grpc-js";
    public const string Python = "grpcio";
    public const string NoNode = "node or @grpc/grpc-js is not installed: ./fedlora test installs them (as root)";
    public const string NoPython = "python3-grpcio is not installed: ./fedlora test installs it (as root)";

    private static readonly string Modules = Path.Combine(Fixtures.Repository, ".build", "interop", "node_modules");
    private static readonly string Sources = Path.Combine(Fixtures.Repository, "tests", "FedLora.Interop.Tests");

    public static bool NodeIsHere { get; } = Directory.Exists(Path.Combine(Modules, "@grpc", "grpc-js")) && Runs("node", "--version");

    public static bool PythonIsHere { get; } = Runs("/usr/bin/python3", "-c", "import grpc");

    /// <summary>Starts the peer's program with the arguments "server" or "client ADDRESS SCENARIO".</summary>
    public static Process Start(string peer, params string[] arguments)
    {
        string[] program = peer == Node
            ? [Path.Combine(Sources, "Interop", "peer.js"), Path.Combine(Sources, "Protos", "probe.proto")]
            : [Path.Combine(Sources, "Interop", "peer.py")];
        var start = new ProcessStartInfo(peer == Node ? "node" : "/usr/bin/python3", [.. program, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["NODE_PATH"] = Modules },
        };
        return Process.Start(start)!;
    }

    private static bool Runs(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, arguments)
                {
                    UseShellExecute = false,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                })!;
            return process.WaitForExit(Within.Limit) && process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
