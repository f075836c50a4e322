using FedLora.Training.Privacy;
using FedLora.Training.Tests.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Privacy;

/// <summary>The kernel of per-example products against products one by one.</summary>
public sealed class ExampleProductsTests
{
    [Theory]
    [InlineData(8, 384, new[] { 96, 96, 96 })]
    [InlineData(384, 8, new[] { 96, 1, 33 })]
    [InlineData(3, 130, new[] { 5, 0, 7 })]
    [InlineData(17, 17, new[] { 40, 2 })]
    [InlineData(300, 1, new[] { 9 })]
    public void They_are_those_of_libtorch(int dOut, int dIn, int[] rows)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            using var random = new Generator(3, CPU);
            // Parts of wider rows, as fused projections hand them over.
            var g = randn([rows.Sum(), dOut + 9], generator: random).to(type).narrow(1, 4, dOut);
            var a = randn([rows.Sum(), dIn + 2], generator: random).to(type).narrow(1, 1, dIn);
            Assert.True(ExampleProducts.CanRead(g, a));
            var found = ExampleProducts.Form(g, a, 0.25, rows);
            var first = 0;
            for (var i = 0; i < rows.Length; first += rows[i++])
            {
                var expected = g.narrow(0, first, rows[i]).to(ScalarType.Float32).t().mm(a.narrow(0, first, rows[i]).to(ScalarType.Float32))
                    .mul(0.25);
                var mine = ExampleProducts.IsFlipped(g, a) ? found[i].t() : found[i];
                Assert.Equal(expected.shape, mine.shape);
                ModelFixture.AssertClose(expected.contiguous().data<float>().ToArray(), mine.contiguous().data<float>().ToArray(),
                    $"example {i} in {type}", 1e-5);
            }
        }
    }

    [Fact]
    public void Tensors_whose_rows_have_gaps_are_left_to_libtorch()
    {
        using var scope = NewDisposeScope();
        var x = zeros([4, 6]);
        Assert.False(ExampleProducts.CanRead(x.t(), zeros([6, 2])));
        Assert.False(ExampleProducts.CanRead(x.to(ScalarType.Float64), x));
    }
}
