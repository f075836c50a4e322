using System.Diagnostics;
using System.Globalization;
using FedLora.Training.Libtorch;
using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Models;

/// <summary>
/// Whether this machine multiplies bfloat16 fast. Flags alone mislead (some processors have the instructions and are slower with them), so
/// it is measured once and kept in a file.
/// </summary>
public static class ComputeChoice
{
    /// <summary>How much faster bfloat16 must be.</summary>
    public const double Threshold = 1.5;

    private static readonly Lock _lock = new();
    private static double? _ratio;

    /// <summary>The faster type on this machine.</summary>
    public static ComputeType ForThisMachine() => Ratio() >= Threshold ? ComputeType.BF16 : ComputeType.F32;

    /// <summary>Time of a float32 product over that of a bfloat16 product; measured at the first call, then read from the user's cache.</summary>
    public static double Ratio()
    {
        lock (_lock)
        {
            LibtorchLoader.EnsureLoaded();
            return _ratio ??= Read() ?? Keep(Measure());
        }
    }

    /// <summary>Measures 512 x 1024 x 1024 products, some 50 ms in all.</summary>
    public static double Measure()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var (a, b) = (randn([512, 1024]), randn([1024, 1024]));
        return Seconds(a, b) / Seconds(a.to(ScalarType.BFloat16), b.to(ScalarType.BFloat16));
    }

    private static double Seconds(Tensor a, Tensor b)
    {
        a.mm(b).Dispose();
        var best = double.MaxValue;
        for (var i = 0; i < 5; i++)
        {
            var start = Stopwatch.GetTimestamp();
            a.mm(b).Dispose();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    private static string CacheFile()
    {
        var processor = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) ?? "" : "";
        var key = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{processor}/{torch.__version__}/{Environment.ProcessorCount}")))[..16];
        return Path.Combine(CacheFolder.Path, $"bf16-{key}");
    }

    private static double? Read() =>
        File.Exists(CacheFile()) && double.TryParse(File.ReadAllText(CacheFile()), NumberStyles.Float, CultureInfo.InvariantCulture, out var ratio) ? ratio : null;

    private static double Keep(double ratio)
    {
        CacheFolder.TryWrite(CacheFile(), ratio.ToString("R", CultureInfo.InvariantCulture));
        return ratio;
    }
}
