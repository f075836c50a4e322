using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>
/// Numbers that nobody frees while native code reads them. TorchSharp frees a <see cref="Scalar"/> that is made for a call as soon as the
/// call has its address (findings/torchsharp-scalar-freed-during-call.sh), also one that it makes itself, as <c>x.add(y)</c> does: both are
/// banned elsewhere (BannedSymbols.txt).
/// </summary>
internal static class Scalars
{
    // More than one expression makes; each is freed when so many more have been made on its thread.
    private const int Count = 32;

#pragma warning disable RS0030 // The one place.
    private static readonly Scalar One = 1L;

    [ThreadStatic]
    private static Scalar[]? _held;
    [ThreadStatic]
    private static int _next;

    /// <summary>A number for a call that this thread makes now.</summary>
    public static Scalar Held(double value) => Hold(value);

    /// <summary>A whole number for a call that this thread makes now; it leaves tensors of whole numbers what they are.</summary>
    public static Scalar Held(long value) => Hold(value);
#pragma warning restore RS0030

    /// <summary>place += other; returns place.</summary>
    public static Tensor Plus(this Tensor place, Tensor other) => place.add_(other, One);

    /// <summary>x + other, in a new tensor.</summary>
    public static Tensor SumWith(this Tensor x, Tensor other) => x.add(other, One);

    /// <summary>Every entry times itself, in a new tensor.</summary>
    public static Tensor Squared(this Tensor x) => x.mul(x);

    private static Scalar Hold(Scalar scalar)
    {
        _held ??= new Scalar[Count];
        _held[_next] = scalar;
        _next = (_next + 1) % Count;
        return scalar;
    }
}
