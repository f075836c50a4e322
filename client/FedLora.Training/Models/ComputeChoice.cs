using System.Diagnostics;
using System.Globalization;
using FedLora.Training.Kernels;
using FedLora.Training.Libtorch;
using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Models;

/// <summary>
/// Whether this machine multiplies bfloat16 fast, and what multiplies float32 faster. Flags alone mislead (some processors have the
/// instructions and are slower with them), so it is measured once and kept in a file.
/// </summary>
public static class ComputeChoice
{
    /// <summary>How much faster bfloat16 must be.</summary>
    public const double Threshold = 1.5;

    private static readonly Lock Lock = new();
    private static Ratios? _ratios;

    /// <summary>The faster type on this machine.</summary>
    public static ComputeType ForThisMachine() => Ratio() >= Threshold ? ComputeType.BF16 : ComputeType.F32;

    /// <summary>
    /// Time of a float32 product over that of a bfloat16 product; measured at the first call, then read from the user's cache.
    /// </summary>
    public static double Ratio() => Known().Narrow;

    /// <summary>Time of a float32 product by MKL over that by oneDNN, likewise; see <see cref="Products"/>.</summary>
    internal static double OneDnnRatio() => Known().OneDnn;

    private static Ratios Known()
    {
        lock (Lock)
        {
            LibtorchLoader.EnsureLoaded();
            return _ratios ??= Read() ?? Keep(Measure());
        }
    }

    /// <summary>Measures 512 x 1024 x 1024 products, some 150 ms in all.</summary>
    private static Ratios Measure()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var (a, b) = (randn([512, 1024]), randn([1024, 1024]));
        var oneDnn = Products.IsThere ? Products.Measure() : 0;
        var narrow = Seconds(a, b) / Seconds(a.to(ScalarType.BFloat16), b.to(ScalarType.BFloat16));
        return new Ratios(narrow / Math.Max(1, oneDnn), oneDnn);
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
        var processor = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) ?? "" : "";
        var key = Convert.ToHexStringLower(
            System.Security.Cryptography.SHA256.HashData(
                System.Text.Encoding.UTF8.GetBytes($"{processor}/{torch.__version__}/{Environment.ProcessorCount}")))[..16];
        return Path.Combine(CacheFolder.Path, $"products-{key}");
    }

    private static Ratios? Read() =>
        File.Exists(CacheFile()) && File.ReadAllText(CacheFile()).Split(' ') is [var narrow, var oneDnn]
            && Number(narrow) is { } first && Number(oneDnn) is { } second ? new Ratios(first, second) : null;

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static Ratios Keep(Ratios ratios)
    {
        CacheFolder.TryWrite(CacheFile(), string.Create(CultureInfo.InvariantCulture, $"{ratios.Narrow:R} {ratios.OneDnn:R}"));
        return ratios;
    }

    /// <param name="Narrow">Time in float32 over time in bfloat16, each at its fastest.</param>
    /// <param name="OneDnn">Time by MKL over time by oneDNN, in float32; 0 where that cannot be called.</param>
    private sealed record Ratios(double Narrow, double OneDnn);
}
