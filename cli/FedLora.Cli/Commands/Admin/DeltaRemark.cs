using FedLora.Privacy;
using FedLora.Protocol.V1;

namespace FedLora.Cli.Commands.Admin;

/// <summary>Whether a federation's delta means anything for the counts that are stated to it.</summary>
public static class DeltaRemark
{
    private static readonly double Default = new Federations.Definitions.PrivacySpec().Delta;

    /// <summary>
    /// One line about the node of the largest stated count, null where delta is small enough for all, or nothing is stated.
    /// </summary>
    public static string? For(FederationView view)
    {
        if (view.Definition.Privacy is not { } terms)
            return null;
        var stated = view.Definition.PublicCounts.Select(count => (Node: count.Key, Count: (long)count.Value));
        // Where no rate is stated, a node's q is the batch over the count that its site has stated.
        if (terms.SamplingRate == 0)
        {
            stated = stated.Concat(view.Privacy.Where(row => row.Node.Length > 0 && row.SamplingRate is > 0 and < 1)
                .Select(row => (row.Node, (long)Math.Round(view.Definition.Training.BatchSize / row.SamplingRate))));
        }
        var (node, most) = stated.DefaultIfEmpty(("", 0)).MaxBy(count => count.Item2);
        return DeltaAdvice.For(terms.Delta, most, $"of {node}", terms.Delta.Equals(Default));
    }
}
