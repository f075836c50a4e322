using FedLora.Training.Blocks;
using FedLora.Training.Data;
using static TorchSharp.torch;

namespace FedLora.Training.Running;

/// <summary>
/// One step of one node, or of several whose examples go through the frozen base model together: their rows lie below each other, one node
/// after the other, and every layer multiplies all of them by its weight at once and each node's own by its factors (as S-LoRA serves many
/// adapters, Sheng et al. 2023, arXiv 2311.03285).
/// </summary>
internal static class SharedPasses
{
    /// <summary>Runs forward and backward; every member's gradient is in its parameters afterwards.</summary>
    /// <param name="model">The model; with one member, its adapter is on it.</param>
    /// <param name="members">At least one.</param>
    /// <param name="rowsAtOnce">See <see cref="MicroBatches.RowsAtOnce"/>; of all members together.</param>
    /// <param name="cancellationToken">Looked at between passes.</param>
    /// <returns>What each member found, in order.</returns>
    public static StepLoss[] Run(Transformer model, IReadOnlyList<StepMember> members, int rowsAtOnce, CancellationToken cancellationToken)
    {
        var rows = new int[members.Count];
        var pieces = new Queue<IReadOnlyList<Example>>[members.Count];
        for (var i = 0; i < members.Count; i++)
        {
            pieces[i] = new(MicroBatches.Split(members[i].Examples, model.Architecture, rowsAtOnce));
            members[i].Share.Begin(members[i].Examples.Sum(e => Labels.CountOf(e, model.Architecture)));
        }
        while (Take(pieces, model, rowsAtOnce) is { Count: > 0 } taken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = new Batch([.. taken.SelectMany(one => one.Piece)], model.Architecture, model.Device,
                blocks: [.. taken.Select(one => one.Piece.Count)]);
            var first = 0;
            foreach (var (member, piece) in taken)
            {
                rows[member] += batch.Lengths.Skip(first).Take(piece.Count).Sum();
                first += piece.Count;
            }
            var labels = Labels.Of(batch, model.Architecture, model.Device);
            if (labels.Count > 0)
                Pass(model, batch, labels, [.. taken.Select(one => (members[one.Member], one.Piece.Count))]);
        }
        return [.. members.Select((member, i) => new StepLoss(member.Share.End(), rows[i]))];
    }

    /// <summary>The next piece of as many members as fit; empty when nothing is left.</summary>
    private static List<(int Member, IReadOnlyList<Example> Piece)> Take(Queue<IReadOnlyList<Example>>[] pieces, Transformer model,
        int rowsAtOnce)
    {
        var (taken, rows) = (new List<(int, IReadOnlyList<Example>)>(), 0);
        for (var i = 0; i < pieces.Length; i++)
        {
            if (!pieces[i].TryPeek(out var piece))
                continue;
            var more = piece.Sum(example => MicroBatches.Rows(example, model.Architecture));
            if (taken.Count > 0 && rows + more > rowsAtOnce)
                break;
            taken.Add((i, pieces[i].Dequeue()));
            rows += more;
        }
        return taken;
    }

    private static void Pass(Transformer model, Batch batch, Labels labels, IReadOnlyList<(StepMember Member, int Examples)> members)
    {
        var counts = new List<int[]>(members.Count);
        var inPass = new List<PassMember>(members.Count);
        foreach (var (member, examples) in members)
        {
            counts.Add([.. labels.Rows.Counts.Skip(counts.Sum(c => c.Length)).Take(examples)]);
            inPass.Add(new PassMember(examples, member.Layers, member.Share.Open(examples), member.Share.Dropout));
        }
        var weights = tensor(members.SelectMany((one, i) => one.Member.Share.Weights(counts[i])).ToArray(), device: model.Device);
        var pass = members is [{ Member.Layers: null }] ? new Pass(batch) { Tap = inPass[0].Tap, Dropout = inPass[0].Dropout }
            : new Pass(batch) { Members = inPass };
        var (sum, each) = Objective.Run(model, pass, labels, weights);
        sum.backward();
        Handover.Clear();
        if (members.Count == 1)
        {
            members[0].Member.Share.Close(sum.item<float>(), counts[0]);
            return;
        }
        var losses = each.mul(weights).cpu().data<float>().ToArray();
        var row = 0;
        for (var i = 0; i < members.Count; i++)
        {
            var mine = counts[i].Sum();
            members[i].Member.Share.Close(losses.AsSpan(row, mine).ToArray().Sum(loss => (double)loss), counts[i]);
            row += mine;
        }
    }
}
