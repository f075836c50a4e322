using System.Diagnostics;

namespace FedLora.Benchmarks.Training;

/// <summary>How each side of <c>fedlora bench train</c> is started.</summary>
internal static class Contestants
{
    private const string Python = "/usr/bin/python3";
    private const string TrainingScript = "Training/train_peer.py";

    // What follows the process's own path: started as "dotnet fedlora.dll" it is the assembly, started as "fedlora" nothing.
    private static IEnumerable<string> Program =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [System.Reflection.Assembly.GetEntryAssembly()!.Location]
            : [];

    /// <summary>This program as a worker, in the environment that the launcher has set.</summary>
    public static ProcessStartInfo Ours(string folder, string dtype, bool isPrivate = false) =>
        Ours("train", folder, dtype, isPrivate ? ["--private"] : []);

    /// <summary>This program as a worker of another <c>bench</c> command.</summary>
    public static ProcessStartInfo Ours(string command, string folder, string dtype, params string[] more) =>
        new(Environment.ProcessPath!, [.. Program, "bench", command, "--worker", folder, "--dtype", dtype, .. more]);

    /// <summary>Looks for the peer before anything is measured.</summary>
    /// <exception cref="FedLoraException"><c>bench-peer-missing</c>.</exception>
    public static async Task RequirePeer(CancellationToken cancellationToken)
    {
        if (File.Exists(Python))
        {
            using var look = Process.Start(
                new ProcessStartInfo(Python, ["-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"]))!;
            await look.WaitForExitAsync(cancellationToken);
            if (look.ExitCode == 0)
                return;
        }

        throw new FedLoraException("bench-peer-missing", $"The peer is missing: {Python} has no torch.",
            "Install it: apt-get install python3-torch");
    }

    /// <summary>PyTorch as Debian ships it, without a setting of ours.</summary>
    public static ProcessStartInfo PeerAsShipped(string folder, string script = TrainingScript)
    {
        var start = Peer(folder, "shipped", script);
        foreach (var setting in (string[])["LD_PRELOAD", "MALLOC_CONF", "GLIBC_TUNABLES", "GOMP_SPINCOUNT"])
            start.Environment.Remove(setting);
        return start;
    }

    /// <summary>PyTorch with the BLAS and allocator settings that we give ourselves, in bfloat16 where that is faster here.</summary>
    public static ProcessStartInfo PeerAtItsBest(string folder, bool narrow, string script = TrainingScript) =>
        Peer(folder, narrow ? "bf16" : "f32", script);

    private static ProcessStartInfo Peer(string folder, string mode, string script) =>
        new(Python, [Path.Combine(AppContext.BaseDirectory, script), folder, mode]);
}
