using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace TorchSharp.Tests;

public sealed class CustomFunctionTests : ScopedTest
{
    [Fact]
    public void A_hand_written_gradient_agrees_with_finite_differences()
    {
        var x = randn([3, 4], dtype: float64, requires_grad: true);
        var w = randn([4, 2], dtype: float64, requires_grad: true);
        Product.apply(x, 1.5, w).sin().sum().backward();
        Near.Equal(Differences(x, value => Product.apply(value, 1.5, w).sin().sum()), x.grad!, 1e-7);
        Near.Equal(Differences(w, value => Product.apply(x, 1.5, value).sin().sum()), w.grad!, 1e-7);
    }

    [Fact]
    public void Several_outputs_and_unused_ones_work()
    {
        var x = randn([5], dtype: float64, requires_grad: true);
        var outputs = SineAndSquare.apply(x);
        outputs[0].mul(3).add(outputs[1]).sum().backward();
        Near.Equal(x.detach().cos().mul(3).add(x.detach().mul(2)), x.grad!, 1e-12);
        x.grad = null;
        SineAndSquare.apply(x)[1].sum().backward();
        Near.Equal(x.detach().mul(2), x.grad!, 1e-12);
    }

    [Fact]
    public void Saved_tensors_go_with_the_graph_and_stay_when_it_is_kept()
    {
        var x = ones(3, requires_grad: true);
        var loss = Product.apply(x.reshape(1, 3), 1.0, ones(3, 1)).sum();
        loss.backward(retain_graph: true);
        loss.backward();
        Assert.Equal([2f, 2, 2], x.grad!.data<float>().ToArray());
        Assert.Contains("second time", Assert.Throws<ExternalException>(() => loss.backward()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Saving_an_output_leaks_nothing()
    {
        using (var scope = NewDisposeScope())
        {
            var x = ones(10, requires_grad: true);
            SavesItsOutput.apply(x).sum().backward();
            Near.Equal(x.detach().exp(), x.grad!, 1e-6);
            _ = SavesItsOutput.apply(x).sum();
        }
        var released = SavesItsOutput.Released;
        for (var k = 0; k < 20 && released.Any(weak => weak.IsAlive); k++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.DoesNotContain(released, weak => weak.IsAlive);
    }

    [Fact]
    public void A_failing_backward_reaches_the_caller()
    {
        var x = ones(3, requires_grad: true);
        var error = Assert.Throws<ExternalException>(() => Fails.apply(x).sum().backward());
        Assert.Contains("no gradient today", error.Message, StringComparison.Ordinal);
        Assert.IsType<NotSupportedException>(error.InnerException);
    }

    [Fact]
    public void A_wrong_number_of_gradients_is_refused()
    {
        var x = ones(3, requires_grad: true);
        Assert.Contains("incorrect number of gradients", Assert.Throws<ExternalException>(() => TooFew.apply(x, ones(1)).sum().backward()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_recorded_without_gradients()
    {
        using (no_grad())
            Assert.False(Product.apply(ones(1, 3, requires_grad: true), 1.0, ones(3, 1)).requires_grad);
        Assert.False(Product.apply(ones(1, 3), 1.0, ones(3, 1)).requires_grad);
    }

    private static Tensor Differences(Tensor at, Func<Tensor, Tensor> f)
    {
        const double step = 1e-6;
        using var constant = no_grad();
        var result = zeros_like(at);
        for (long k = 0; k < at.numel(); k++)
        {
            var shift = zeros_like(at);
            shift.view(-1)[k] = tensor(step, dtype: float64);
            result.view(-1)[k] = f(at + shift).sub(f(at - shift)).div(2 * step);
        }
        return result;
    }

    // scale * x w
    private sealed class Product : autograd.SingleTensorFunction<Product>
    {
        public override string Name => nameof(Product);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (x, scale, w) = ((Tensor)vars[0], (double)vars[1], (Tensor)vars[2]);
            ctx.save_for_backward([x, w]);
            ctx.save_data("scale", scale);
            return x.mm(w).mul_(scale);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            var saved = ctx.get_saved_variables();
            var scale = (double)ctx.get_data("scale");
            return [grad_output.mm(saved[1].t()).mul(scale), null!, saved[0].t().mm(grad_output).mul(scale)];
        }
    }

    private sealed class SineAndSquare : autograd.MultiTensorFunction<SineAndSquare>
    {
        public override string Name => nameof(SineAndSquare);

        public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_for_backward([(Tensor)vars[0]]);
            return [((Tensor)vars[0]).sin(), ((Tensor)vars[0]).square()];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
        {
            var x = ctx.get_saved_variables()[0];
            return [grad_outputs[0].mul(x.cos()).add(grad_outputs[1].mul(x).mul(2))];
        }
    }

    private sealed class SavesItsOutput : autograd.SingleTensorFunction<SavesItsOutput>
    {
        internal static readonly List<WeakReference> Released = [];

        public override string Name => nameof(SavesItsOutput);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            Released.Add(new WeakReference(ctx));
            var y = ((Tensor)vars[0]).exp();
            ctx.save_for_backward([y]);
            return y;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => [grad_output.mul(ctx.get_saved_variables()[0])];
    }

    private sealed class Fails : autograd.SingleTensorFunction<Fails>
    {
        public override string Name => nameof(Fails);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => ((Tensor)vars[0]).mul(2);

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => throw new NotSupportedException("no gradient today");
    }

    private sealed class TooFew : autograd.SingleTensorFunction<TooFew>
    {
        public override string Name => nameof(TooFew);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => ((Tensor)vars[0]).mul((Tensor)vars[1]);

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => [grad_output];
    }
}
