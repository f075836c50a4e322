using System.Runtime.Intrinsics.X86;
using FedLora.Training.Kernels;
using FedLora.Training.Models;
using FedLora.Training.Tests.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Kernels;

/// <summary>Products by whatever library computes them here, against float64. Tolerance: 1e-5 of the largest entry.</summary>
public sealed class ProductsTests
{
    [Theory]
    [InlineData(200, 96, 130)]
    [InlineData(1, 700, 700)]
    [InlineData(513, 8, 257)]
    [InlineData(3, 4, 5)]
    public void Products_are_those_of_float64(int rows, int inner, int columns)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var random = new Generator(11, CPU);
        var (a, b) = (randn([rows, inner], generator: random), randn([inner, columns], generator: random));
        var (sum, bias) = (randn([rows, columns], generator: random), randn([columns], generator: random));
        var (flippedA, flippedB, part) = (a.t().contiguous().t(), b.t().contiguous(), cat([a, a], 1).narrow(1, inner, inner));
        var exact = a.to(ScalarType.Float64).mm(b.to(ScalarType.Float64));
        Check(exact, a.Times(b), "a b");
        Check(exact, flippedA.Times(flippedB.t()), "of transposed ones");
        Check(exact, part.Times(b), "of some columns of a matrix");
        Check(exact.add(bias), Products.Linear(a, flippedB, bias), "with a bias");
        Check(exact.add(sum), sum.clone().AddTimes(a, b), "added to a matrix");
        Assert.Equal(Values(a.Times(b)), Values(a.Times(b)));
    }

    [Fact]
    public void Products_that_autograd_must_see_are_left_to_it()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (randn([512, 512]).requires_grad_(), randn([512, 512]));
        a.Times(b).sum().backward();
        ModelFixture.AssertClose(Values(b.sum(1L).unsqueeze(0).expand(512, -1)), Values(a.grad!), "the gradient", 1e-5);
    }

    [Fact]
    public void Float32_reaches_oneDNN_where_the_processor_has_its_instructions()
    {
        var has = OperatingSystem.IsLinux() && Avx512BW.VL.IsSupported && Avx512DQ.VL.IsSupported;
        Assert.SkipUnless(has, "oneDNN's function refuses this processor");
        Assert.True(Products.IsThere, "libtorch has no at::native::mkldnn_matmul of these types any more: find what it has instead");
        Assert.InRange(ComputeChoice.OneDnnRatio(), 0.1, 100);
    }

    private static void Check(Tensor exact, Tensor found, string what) =>
        ModelFixture.AssertClose(Values(exact), Values(found), what, 1e-5);

    private static float[] Values(Tensor of) => of.detach().to(ScalarType.Float32).contiguous().data<float>().ToArray();
}
