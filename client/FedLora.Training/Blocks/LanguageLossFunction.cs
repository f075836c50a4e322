using FedLora.Training.Kernels;
using TorchSharp;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>
/// loss = sum of w_t (log sum_v exp z_tv - z_t,target) with z = h W^T + b, perhaps capped, chunk by chunk of rows. The gradient
/// dL/dz = w (softmax(z) - onehot) is formed on the way and multiplied with W at once, so the logits of all rows never exist together.
/// On the CPU a chunk's logits lie in parts of the vocabulary: products of that size keep their operands in the cache.
/// </summary>
internal sealed class LanguageLossFunction : CustomFunction<LanguageLossFunction>
{
    private const long ChunkNumbers = 1 << 25;
    private const long PartWords = 8192;

    /// <summary>Each row's loss, by the way.</summary>
    public sealed class Result
    {
        public Tensor? Losses { get; set; }
    }

    /// <param name="ctx">Keeps the gradients that were formed.</param>
    /// <param name="vars">h (rows x width), W (words x width), b, targets, w, whether b counts, cap or 0, where the rows' losses
    /// go.</param>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (hidden, weight, bias) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
        var (targets, weights, hasBias, cap, result) = ((Tensor)vars[3], (Tensor)vars[4], (bool)vars[5], (double)vars[6], (Result)vars[7]);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var (rows, words) = (hidden.shape[0], weight.shape[0]);
        var chunks = Math.Min(rows, 1 + ((rows * words) - 1) / ChunkNumbers);
        var isParted = cap == 0 && hidden.device_type == DeviceType.CPU;
        var parts = Parts(words, isParted ? PartWords : words).ToArray();
        var dHidden = hidden.requires_grad ? zeros(hidden.shape, dtype: ScalarType.Float32, device: hidden.device) : null;
        var dWeight = weight.requires_grad ? zeros(weight.shape, dtype: ScalarType.Float32, device: hidden.device) : null;
        var dBias = hasBias && bias.requires_grad ? zeros(bias.shape, dtype: ScalarType.Float32, device: hidden.device) : null;
        var losses = empty([rows], dtype: ScalarType.Float32, device: hidden.device);
        for (var i = 0; i < chunks; i++)
        {
            using var inner = NewDisposeScope();
            var (start, count) = (rows * i / chunks, (rows * (i + 1) / chunks) - (rows * i / chunks));
            var (h, target) = (hidden.narrow(0, start, count).to(weight.dtype), targets.narrow(0, start, count));
            var logits = Array.ConvertAll(parts, part => Logits(h, weight, hasBias ? bias : null, part));
            var (each, factors) = (losses.narrow(0, start, count), weights.narrow(0, start, count));
            if (isParted && logits.All(HostMemory.CanRead))
                CrossEntropyKernel.Run(logits, target, factors, each);
            else
                (parts, logits) = ([(0, words)],
                    [Gradient(cat(logits, 1).to(ScalarType.Float32), target.unsqueeze(1), factors, cap, each)]);
            if (dHidden is null && dWeight is null && dBias is null)
                continue;
            foreach (var ((first, size), gradient) in parts.Zip(logits))
            {
                using var step = NewDisposeScope();
                dBias?.narrow(0, first, size).Plus(gradient.sum(0L, type: ScalarType.Float32));
                var narrow = gradient.to(weight.dtype);
                AddTimes(dHidden?.narrow(0, start, count), narrow, weight.detach().narrow(0, first, size));
                AddTimes(dWeight?.narrow(0, first, size), narrow.t(), h);
            }
        }
        Keep(ctx, [.. new[] { dHidden, dWeight, dBias }.OfType<Tensor>()]);
        Note(ctx, "has", (dHidden is not null, dWeight is not null, dBias is not null));
        // Out of this scope and out of that of apply.
        result.Losses = losses.MoveToOuterDisposeScope().MoveToOuterDisposeScope();
        return losses.mul(weights).sum().MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var results = new List<Tensor>(new Tensor[8]);
        var (hidden, weight, bias) = ((bool, bool, bool))ctx.get_data("has");
        using (grad_output)
        using (var scope = NewDisposeScope())
        using (no_grad())
        {
            var saved = Take(ctx, scope);
            var next = 0;
            foreach (var (has, place) in new[] { (hidden, 0), (weight, 1), (bias, 2) })
            {
                if (has)
                    results[place] = saved[next++].mul(grad_output).MoveToOuterDisposeScope();
            }
        }
        return Handover.Return(results);
    }

    /// <summary>sum += a b; of narrow types the product is rounded first.</summary>
    private static void AddTimes(Tensor? sum, Tensor a, Tensor b) =>
        _ = a.dtype == ScalarType.Float32 ? sum?.AddTimes(a, b) : sum?.Plus(a.mm(b));

    private static IEnumerable<(long First, long Size)> Parts(long words, long size)
    {
        for (var first = 0L; first < words; first += size)
            yield return (first, Math.Min(size, words - first));
    }

    /// <summary>h W^T + b for some words.</summary>
    private static Tensor Logits(Tensor h, Tensor weight, Tensor? bias, (long First, long Size) part)
    {
        using var scope = NewDisposeScope();
        var logits = h.Times(weight.detach().narrow(0, part.First, part.Size).t());
        if (bias is not null)
            logits = logits.to(ScalarType.Float32).Plus(bias.detach().narrow(0, part.First, part.Size));
        return logits.MoveToOuterDisposeScope();
    }

    /// <summary>w (p - onehot), times 1 - (z / cap)^2 where z is capped; and each row's loss. Operation by operation.</summary>
    private static Tensor Gradient(Tensor logits, Tensor target, Tensor weights, double cap, Tensor losses)
    {
        if (cap != 0)
            logits = tanh(logits.div_(Held(cap))).mul_(Held(cap));
        var logs = nn.functional.log_softmax(logits, -1);
        losses.copy_(logs.gather(1, target).squeeze(1).neg());
        var gradient = logs.exp_();
        gradient.scatter_add_(1, target, full(target.shape, Held(-1), ScalarType.Float32, target.device));
        gradient.mul_(weights.unsqueeze(1));
        return cap == 0 ? gradient : gradient.mul_(logits.div_(Held(cap)).mul_(logits).neg_().add_(Held(1)));
    }
}
