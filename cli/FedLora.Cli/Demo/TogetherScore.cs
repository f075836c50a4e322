using FedLora.Adapters;
using FedLora.Federations.Definitions;
using FedLora.Protocol.Mapping;
using FedLora.Simulations.Demo;

namespace FedLora.Cli.Demo;

/// <summary>
/// The federation's own score: of the PEFT folder as it was written, or, where every node has its own adapter, the mean over the nodes.
/// </summary>
internal static class TogetherScore
{
    /// <param name="options">The federation's.</param>
    /// <param name="to">Takes the PEFT folder.</param>
    /// <param name="data">The held-out mails.</param>
    /// <param name="result">What the federation did.</param>
    /// <param name="cancellationToken">Ends the scoring.</param>
    internal static Score Of(DemoOptions options, string to, DemoData data, FederatedResult result, CancellationToken cancellationToken)
    {
        var definition = result.View.Definition.ToModel();
        if (result.Adapter is { } adapter)
        {
            adapter.Write(to);
            // Read back: what is judged is what lies on disk.
            var folder = PeftFolder.Read(to);
            var score = AloneTraining.Score(definition, folder.State, folder.Layout(), options.Model, data.HeldOut, cancellationToken);
            return new Score(score.Accuracy, score.MacroF1 ?? 0);
        }
        var layout = definition.ToLayout();
        var scores = result.Personal.Select(
            own => AloneTraining.Score(definition, own, layout, options.Model, data.HeldOut, cancellationToken)).ToList();
        return new Score(scores.Average(score => score.Accuracy), scores.Average(score => score.MacroF1 ?? 0));
    }
}
