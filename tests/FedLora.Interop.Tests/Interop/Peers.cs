using System.Diagnostics;
using FedLora.Tests;

namespace FedLora.Interop.Tests.Interop;

/// <summary>Other people's gRPC on this machine: what is needed to start it, or why it cannot be started.</summary>
internal static class Peers
{
    public const string Node = "grpc-js";
    public const string Python = "grpcio";

    private static readonly string Modules = Path.Combine(Fixtures.Repository, ".build", "interop", "node_modules");
    private static readonly string Sources = Path.Combine(Fixtures.Repository, "tests", "FedLora.Interop.Tests");

    private static readonly Lazy<string?> NoPython = new(() =>
        Runs("/usr/bin/python3", "-c", "import grpc") ? null : "python3-grpcio is not installed: ./fedlora test installs it (as root)");

    private static readonly Lazy<string?> NoNode = new(() =>
        !Runs("node", "--version") ? "node is not installed: ./fedlora test installs it (as root)"
        : Directory.Exists(Path.Combine(Modules, "@grpc", "grpc-js")) ? null : "@grpc/grpc-js is not installed: ./fedlora test installs it (with npm)");

    /// <summary>Null when the peer is there.</summary>
    public static string? Missing(string peer) => peer == Node ? NoNode.Value : NoPython.Value;

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
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
            return process.WaitForExit(Within.Limit) && process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>A test with one of the peers; skipped, with the reason shown, where the peer is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class InteropTheoryAttribute : TheoryAttribute
{
    public InteropTheoryAttribute(string peer) => Skip = Peers.Missing(peer)!;
}
