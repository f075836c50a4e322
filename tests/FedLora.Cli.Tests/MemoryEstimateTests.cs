using System.Diagnostics;
using System.Text.Json;

namespace FedLora.Cli.Tests;

/// <summary>What a node estimates before it trains, beside the peak of a process that does: never below it, and not far above.</summary>
public sealed class MemoryEstimateTests
{
    // An estimate below the peak would let in what the site has refused; one far above would keep it out of what it has room for.
    private const double Least = 1;
    private const double Most = 1.5;

    // As the launcher has it (half of what glibc's takes, docs/speed.md).
    private static readonly string Allocator = $"/usr/lib/{(IsArm ? "aarch64" : "x86_64")}-linux-gnu/libjemalloc.so.2";

    private static bool IsArm =>
        System.Runtime.InteropServices.RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.Arm64;

    [Theory]
    [InlineData("smollm2-small-f32")]
    [InlineData("minilm-even-f32")]
    [InlineData("minilm-private-f32")]
    public async Task The_peak_of_training_is_within_the_estimate(string name)
    {
        Assert.SkipUnless(File.Exists(Allocator), $"{Allocator} is not here, which the launcher has training use");
        var start = new ProcessStartInfo("dotnet",
            ["exec", Path.Combine(AppContext.BaseDirectory, "fedlora-bench.dll"), "bench", "memory", "--case", name, "--json"])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
            Environment =
            {
                ["LD_PRELOAD"] = Allocator,
                ["MALLOC_CONF"] = "narenas:1,oversize_threshold:0,dirty_decay_ms:-1,thp:always",
            },
        };
        using var process = Process.Start(start)!;
        using var written = JsonDocument.Parse(await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        var row = Assert.Single(written.RootElement.GetProperty("rows").EnumerateArray());
        var ratio = row.GetProperty("ratio").GetDouble();
        Assert.True(ratio is >= Least and <= Most, $"{row.GetProperty("value")} MiB, {row.GetProperty("peer")}");
    }
}
