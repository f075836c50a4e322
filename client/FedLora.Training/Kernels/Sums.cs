using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>Sums in place whose factor nobody frees while they run: see findings/torchsharp-scalar-freed-during-call.sh.</summary>
internal static class Sums
{
    private static readonly Scalar One = 1;

    /// <summary>place += other; returns place.</summary>
    public static Tensor Plus(this Tensor place, Tensor other) => place.add_(other, One);
}
