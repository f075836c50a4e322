using FedLora.Training.Kernels;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>
/// Attention of a packed batch as one step of autograd, see <see cref="AttentionKernel"/>. Only what goes in and a number for each row and
/// head is kept.
/// </summary>
internal sealed class AttentionFunction : CustomFunction<AttentionFunction>
{
    /// <summary>What is not differentiated.</summary>
    public sealed record Call(AttentionPlan Plan, IReadOnlyList<LengthGroup> Groups, (Tensor Cosine, Tensor Sine)? At);

    /// <param name="ctx">Keeps the heads, the rows' log-sums, the turns.</param>
    /// <param name="vars">Queries, keys and values beside each other, and the call.</param>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var call = (Call)vars[1];
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var heads = ((Tensor)vars[0]).contiguous();
        var (rows, plan) = (heads.shape[0], call.Plan);
        var mixed = empty([rows, plan.Heads * plan.HeadSize], dtype: heads.dtype);
        var logs = empty([rows, plan.Heads], dtype: ScalarType.Float32);
        new AttentionKernel(plan, call.Groups, call.At?.Cosine, call.At?.Sine).Forward(heads, mixed, logs);
        Keep(ctx, call.At is { } at ? [heads, logs, at.Cosine, at.Sine] : [heads, logs]);
        Note(ctx, "call", call);
        return mixed.MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        Tensor dHeads;
        using (grad_output)
        using (var scope = NewDisposeScope())
        using (no_grad())
        {
            var (call, saved) = ((Call)ctx.get_data("call"), Take(ctx, scope));
            dHeads = empty_like(saved[0]);
            new AttentionKernel(call.Plan, call.Groups, saved.ElementAtOrDefault(2), saved.ElementAtOrDefault(3))
                .Backward(saved[0], saved[1], grad_output.contiguous(), dHeads);
            dHeads.MoveToOuterDisposeScope();
        }
        return Handover.Return([dHeads, null!]);
    }
}
