using FedLora.Training.Blocks;
using static TorchSharp.torch;

namespace FedLora.Training.Tests;

public sealed class CustomFunctionTests
{
    [Fact]
    public void What_is_kept_goes_when_the_way_back_has_passed_though_the_graph_is_still_there()
    {
        using var scope = NewDisposeScope();
        var (x, seen) = (tensor(3f).requires_grad_(), new Seen());
        var y = Square.apply(x, seen);
        y.backward();
        Assert.Equal(6f, x.grad!.item<float>());
        Assert.True(Assert.Single(seen.Taken!).IsInvalid);
        Assert.False(y.IsInvalid);
    }

    [Fact]
    public void Nothing_is_kept_where_nothing_goes_back()
    {
        using var scope = NewDisposeScope();
        var (x, seen) = (tensor(3f).requires_grad_(), new Seen());
        using (no_grad())
            Assert.Equal(9f, Square.apply(x, seen).item<float>());
        Assert.Equal(9f, Square.apply(x.detach(), seen).item<float>());
        // There is no context to keep anything in.
        Assert.Equal([null, null], seen.Contexts);
        Assert.True(Square.apply(x, seen).requires_grad);
        Assert.NotNull(seen.Contexts[^1]);
    }

    private sealed class Seen
    {
        public List<autograd.AutogradContext?> Contexts { get; } = [];

        public Tensor[]? Taken { get; set; }
    }

    private sealed class Square : CustomFunction<Square>
    {
        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (x, seen) = ((Tensor)vars[0], (Seen)vars[1]);
            seen.Contexts.Add(ctx);
            Keep(ctx, x);
            Note(ctx, "seen", seen);
            return x.mul(x);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using var scope = NewDisposeScope();
            var taken = Take(ctx, scope);
            ((Seen)ctx.get_data("seen")).Taken = taken;
            return [grad_output.mul(taken[0]).mul(2f).DetachFromDisposeScope(), null!];
        }
    }
}
