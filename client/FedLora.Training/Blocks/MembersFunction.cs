using FedLora.Training.Kernels;
using FedLora.Training.Lora;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>
/// A projection whose rows belong to several nodes, as one step of autograd: y_k = x_k W^T + s (x_k A_k^T) B_k^T for node k's rows, where
/// the product with W is one for all of them, and so is g W on the way back. Where a node has a weight of its own (a head), its rows are
/// multiplied by that.
/// </summary>
internal sealed class MembersFunction : CustomFunction<MembersFunction>
{
    private const int FirstLeaf = 3;

    public static Tensor Apply(Tensor x, Projection projection, Pass pass, IReadOnlyList<int> rows, ScalarType result)
    {
        var pieces = Pieces(projection, pass, rows);
        var leaves = pieces.SelectMany(piece => piece.Layer.Slots.Where(slot => slot.IsTrainable)).ToArray();
        return apply(
            [x, new Call(projection, pass, pieces, leaves, x.requires_grad, x.dtype), result, .. leaves.Select(slot => slot.Value)]);
    }

    /// <param name="ctx">Keeps x and dropout's masks.</param>
    /// <param name="vars">x, the call, the type of the result, and the trainable tensors (for the graph's edges).</param>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (call, result) = ((Call)vars[1], (ScalarType)vars[2]);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var x = ((Tensor)vars[0]).to(call.Type);
        var masks = new List<Tensor>();
        var y = call.IsShared ? call.Projection.Plain(x, result)
            : empty([x.shape[0], call.Projection.Weight.Value.shape[0]], dtype: result, device: x.device);
        foreach (var piece in call.Pieces)
        {
            using var inner = NewDisposeScope();
            var (mine, place) = (piece.Of(x), piece.Of(y));
            var stack = LoraStack.Build(piece.Layer, mine, call.Pass with { Dropout = piece.Member.Dropout }, mayMerge: false);
            if (!call.IsShared)
                place.copy_(stack is null ? piece.Layer.Plain(mine, result) : stack.Forward(mine, result));
            else
                stack?.AddForward(mine, place);
            masks.AddRange((stack?.Masks ?? []).Select(mask => mask.MoveToOuterDisposeScope()));
            piece.Masks = stack?.Masks.Length ?? 0;
        }
        Keep(ctx, [x, .. masks]);
        Note(ctx, "call", call);
        return y.MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var call = (Call)ctx.get_data("call");
        var results = new List<Tensor>(new Tensor[FirstLeaf + call.Leaves.Length]);
        using (grad_output)
        using (var scope = NewDisposeScope())
        using (no_grad())
        {
            var saved = Take(ctx, scope);
            var (x, weight) = (saved[0], call.Projection.Weight.Value);
            var g = grad_output.to(call.Type).contiguous();
            var dx = !call.NeedsInput ? null : call.IsShared ? g.Times(weight)
                : empty([g.shape[0], weight.shape[1]], dtype: g.dtype, device: g.device);
            var used = 1;
            foreach (var piece in call.Pieces)
            {
                var (mine, back, place) = (piece.Of(x), piece.Of(g), dx is null ? null : piece.Of(dx));
                var sink = new GradientSink(call.Leaves, piece.Member.Tap, piece.Rows, results, FirstLeaf);
                if (piece.Layer.Weight.IsTrainable)
                    sink.Product(piece.Layer.Weight, back, mine, 1);
                if (piece.Layer.Bias is { IsTrainable: true } bias)
                    sink.Sum(bias, back);
                if (!call.IsShared)
                    place?.copy_(back.to(piece.Layer.Weight.Value.dtype).Times(piece.Layer.Weight.Value));
                LoraStack.Build(piece.Layer, mine, saved[used..(used + piece.Masks)], mayMerge: false)?.AddBackward(back, mine, sink,
                    place);
                used += piece.Masks;
            }
            if (dx is not null)
                results[0] = dx.to(call.InputType);
            foreach (var result in results)
                result?.MoveToOuterDisposeScope();
        }
        return Handover.Return(results);
    }

    /// <summary>Each node's rows; nodes without any are left out.</summary>
    private static Piece[] Pieces(Projection projection, Pass pass, IReadOnlyList<int> rows)
    {
        var pieces = new List<Piece>();
        var (first, start) = (0, 0L);
        foreach (var member in pass.Members!)
        {
            var mine = rows.Skip(first).Take(member.Examples).ToArray();
            if (mine.Sum() is > 0 and var count)
                pieces.Add(new Piece(member, member.Layers![projection], mine, start, count));
            (first, start) = (first + member.Examples, start + mine.Sum());
        }
        return [.. pieces];
    }

    private sealed record Piece(PassMember Member, Projection Layer, IReadOnlyList<int> Rows, long Start, long Count)
    {
        /// <summary>How many masks its forward pass drew.</summary>
        public int Masks { get; set; }

        public Tensor Of(Tensor all) => all.narrow(0, Start, Count);
    }

    private sealed record Call(Projection Projection, Pass Pass, Piece[] Pieces, Slot[] Leaves, bool NeedsInput, ScalarType InputType)
    {
        /// <summary>
        /// Whether all nodes have the model's weight; where one has its own, each node's rows are multiplied by themselves.
        /// </summary>
        public bool IsShared { get; } = Pieces.All(piece => piece.Layer.IsShared);

        /// <summary>Of what is multiplied: the model's weight is narrow where that is faster, a weight that is trained never is.</summary>
        public ScalarType Type { get; } = (Array.Find(Pieces, piece => !piece.Layer.IsShared)?.Layer ?? Projection).Weight.Value.dtype;
    }
}
