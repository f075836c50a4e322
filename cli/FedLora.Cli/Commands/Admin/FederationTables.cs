using FedLora.Privacy;
using FedLora.Protocol.V1;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace FedLora.Cli.Commands.Admin;

/// <summary>A federation on a screen.</summary>
internal static class FederationTables
{
    /// <summary>One line.</summary>
    internal static string Headline(FederationView view) =>
        $"{view.Definition.Name} ({view.Definition.Method}): {view.State.ToString().ToLowerInvariant()}, {view.RoundsDone} of "
        + $"{view.Definition.Rounds} rounds done"
        + (view.Reason.Length > 0 ? $"; {view.Reason}" : "");

    /// <summary>Headline, open round and rounds done.</summary>
    internal static IRenderable Of(FederationView view)
    {
        var rows = new List<IRenderable> { new Text(Headline(view)) };
        if (view.Rounds.LastOrDefault(round => round.State != RoundState.Committed) is { } open)
            rows.Add(Nodes(open));
        if (view.Rounds.Any(round => round.State == RoundState.Committed))
            rows.Add(Rounds(view));
        if (view.Privacy.Count > 0)
            rows.Add(Privacy(view));
        foreach (var node in view.Excluded)
            rows.Add(new Text($"left out: {node.Name}: {node.Reason}"));
        return new Rows(rows);
    }

    /// <summary>How far a node is, in a word.</summary>
    internal static string State(NodeInRound node) => node switch
    {
        { UpdateIn: true } => "delivered",
        { Phase: TaskPhase.Unspecified } => "invited",
        _ => node.Phase.ToString().ToLowerInvariant(),
    };

    private static Table Nodes(RoundView round)
    {
        var table = new Table().Border(TableBorder.Rounded)
            .Title($"round {round.Round}, {round.State.ToString().ToLowerInvariant()}: {round.Updates} updates in, {round.Quorum} needed")
            .AddColumns("node", "state", "step", "loss", "remark");
        foreach (var node in round.Nodes)
        {
            table.AddRow(Markup.Escape(node.Name), State(node), node.Steps > 0 ? $"{node.Step}/{node.Steps}" : "",
                node.HasLoss ? node.Loss.ToString("0.000") : "",
                Markup.Escape(node.Reason));
        }
        return table;
    }

    /// <summary>What the privacy terms mean at each node.</summary>
    internal static Table Privacy(FederationView view)
    {
        var terms = view.Definition.Privacy;
        var table = new Table().Border(TableBorder.Rounded)
            .Title(
                $"privacy at delta {terms.Delta:0.###e+0}, C = {terms.ClipNorm:0.###}, {view.Definition.Rounds} rounds of "
                    + $"{view.Definition.Training.LocalSteps} steps, {Markup.Escape(terms.Accountant)}")
            .AddColumns("node", "q", "sigma", "epsilon planned", "rounds here", "epsilon spent", "limit");
        foreach (var node in view.Privacy)
        {
            table.AddRow(node.Node.Length > 0 ? Markup.Escape(node.Node) : "any", node.SamplingRate.ToString("0.######"),
                node.NoiseMultiplier.ToString("0.####"),
                EpsilonText.AtMost(node.PlannedEpsilon), $"{node.Rounds}",
                node.SpentEpsilon > 0 ? EpsilonText.AtMost(node.SpentEpsilon) : "",
                node.LimitEpsilon > 0 ? EpsilonText.AtLeast(node.LimitEpsilon) : "none");
        }
        return table;
    }

    private static Table Rounds(FederationView view)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("round", "updates", "loss", "seconds", "server ms", "adapter");
        foreach (var round in view.Rounds.Where(round => round.State == RoundState.Committed).TakeLast(12))
        {
            table.AddRow($"{round.Round}", $"{round.Updates}", round.HasLoss ? round.Loss.ToString("0.000") : "",
                ((round.ClosedUnixMs - round.OpenedUnixMs) / 1000.0).ToString("0.0"), round.ServerMs.ToString("0.0"),
                round.AdapterSha256.Length > 12 ? round.AdapterSha256[..12] : "");
        }
        return table;
    }
}
