using System.Diagnostics;
using FedLora.Adapters;
using FedLora.Training.Libtorch;
using TorchSharp;

namespace FedLora.Benchmarks.Aggregate;

/// <summary>
/// The peer: what FedSVD's published code does, an SVD of every whole product B A, by libtorch (LAPACK's divide and conquer).
/// </summary>
internal static class FullSvd
{
    /// <summary>Seconds for all modules of a layout.</summary>
    public static double Measure(AdapterState global, AdapterState update, AdapterLayout layout, CancellationToken cancellationToken)
    {
        LibtorchLoader.EnsureLoaded();
        using var scope = torch.NewDisposeScope();
        using var noGradients = torch.no_grad();
        var seconds = 0.0;
        foreach (var module in layout.Modules)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var inner = torch.NewDisposeScope();
            var b = Tensor(update[new AdapterKey(module.Name, Factors.B).Name]);
            var a = Tensor(global[new AdapterKey(module.Name, Factors.A).Name]);
            var start = Stopwatch.GetTimestamp();
            var (u, s, vh) = torch.linalg.svd(b.matmul(a), fullMatrices: false);
            var rank = layout.RankOf(module);
            _ = (u.narrow(1, 0, rank) * s.narrow(0, 0, rank)).sum().item<float>() + vh.narrow(0, 0, rank).sum().item<float>();
            seconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        return seconds;
    }

    private static torch.Tensor Tensor(AdapterTensor tensor) => torch.tensor(tensor.Values, [.. tensor.Shape.Select(size => (long)size)]);
}
