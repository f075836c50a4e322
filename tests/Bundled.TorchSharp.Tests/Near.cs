using static TorchSharp.torch;

namespace TorchSharp.Tests;

internal static class Near
{
    /// <summary>Asserts that two tensors agree to a tolerance relative to the expected one's largest entry.</summary>
    internal static void Equal(Tensor expected, Tensor actual, double tolerance = 1e-5)
    {
        Assert.Equal(expected.shape, actual.shape);
        using var scope = NewDisposeScope();
        var (e, a) = (expected.to(float64), actual.to(float64));
        var largest = Math.Max(e.abs().max().item<double>(), 1e-30);
        var worst = e.sub(a).abs().max().item<double>();
        Assert.True(worst <= tolerance * largest, $"differs by {worst} of {largest}");
    }

    internal static void Equal(float[] expected, Tensor actual, double tolerance = 1e-5)
    {
        using var tensor = torch.tensor(expected, actual.shape);
        Equal(tensor, actual, tolerance);
    }
}
