namespace FedLora.Cli.Demo;

/// <summary>All methods side by side, as <c>--json</c> writes it.</summary>
/// <param name="Methods">In the order in which they ran.</param>
/// <param name="Picture">An SVG file.</param>
internal sealed record CompareReport(IReadOnlyList<MethodResult> Methods, string Picture);

/// <summary>What one method did on the same data, seed and number of steps.</summary>
/// <param name="Method">Its name.</param>
/// <param name="Accuracy">On the held-out mails; for personalised methods the mean over the nodes.</param>
/// <param name="MacroF1">Likewise.</param>
/// <param name="BytesUpPerNode">On the socket, per node and round.</param>
/// <param name="BytesDownPerNode">Likewise.</param>
/// <param name="ServerMs">Mean time of an aggregation.</param>
/// <param name="AggregationError">Mean over the rounds of the relative error of the product; null where it is not defined.</param>
internal sealed record MethodResult(string Method, double Accuracy, double MacroF1, long BytesUpPerNode, long BytesDownPerNode,
    double ServerMs, double? AggregationError);
