using FedLora.Training.Kernels;
using FedLora.Training.Lora;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>
/// The adapted projection as one step of autograd. With h = x A^T and u = s g B R (both rows x r): y = x W^T + s h R^T B^T,
/// dL/dx = g W + u A, dL/dA = u^T x, dL/dB = s g^T (h R^T), dL/dR = s (g B)^T h. Only x is kept, and that only where
/// something here is trained. With a tap, the factors of these
/// products go to it instead.
/// </summary>
internal sealed class ProjectionFunction : CustomFunction<ProjectionFunction>
{
    private const int FirstLeaf = 6;

    /// <param name="ctx">Keeps x.</param>
    /// <param name="vars">x, the projection, the pass, rows of each example, its trainable slots, the type of the result, and their tensors
    /// (for the graph's edges).</param>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, projection, pass) = ((Tensor)vars[0], (Projection)vars[1], (Pass)vars[2]);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var narrow = x.to(projection.Weight.Value.dtype);
        var stack = LoraStack.Build(projection, narrow, pass);
        Keep(ctx, stack is not null ? [narrow, .. stack.Masks] : ((Slot[])vars[4]).Length > 0 ? [narrow] : []);
        Note(ctx, "call",
            new Call(projection, pass, (IReadOnlyList<int>)vars[3], (Slot[])vars[4], x.requires_grad, x.dtype, vars.Length));
        var result = (ScalarType)vars[5];
        return (stack is null ? projection.Plain(narrow, result) : stack.Forward(narrow, result)).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var call = (Call)ctx.get_data("call");
        var results = new List<Tensor>(new Tensor[call.Arguments]);
        using (grad_output)
        using (var scope = NewDisposeScope())
        using (no_grad())
        {
            var saved = Take(ctx, scope);
            var weight = call.Projection.Weight;
            var g = grad_output.to(weight.Value.dtype).contiguous();
            var sink = new GradientSink(call.Leaves, call.Pass.Tap, call.Rows, results, FirstLeaf);
            if (weight.IsTrainable)
                sink.Product(weight, g, saved[0], 1);
            if (call.Projection.Bias is { IsTrainable: true } bias)
                sink.Sum(bias, g);
            var stack = saved.Length == 0 ? null : LoraStack.Build(call.Projection, saved[0], [.. saved.Skip(1)]);
            var dx = stack is not null ? stack.Backward(g, saved[0], sink, call.NeedsInput)
                : call.NeedsInput ? g.Times(weight.Value) : null;
            if (dx is not null)
                results[0] = dx.to(call.InputType);
            foreach (var result in results)
                result?.MoveToOuterDisposeScope();
        }
        return Handover.Return(results);
    }

    private sealed record Call(Projection Projection, Pass Pass, IReadOnlyList<int> Rows, Slot[] Leaves, bool NeedsInput,
        ScalarType InputType, int Arguments);
}
