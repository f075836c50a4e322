namespace FedLora.Cli.Demo;

/// <summary>Accuracy against bytes over densities, as <c>--json</c> writes it.</summary>
/// <param name="Runs">In the order in which they ran.</param>
/// <param name="Picture">An SVG file.</param>
internal sealed record DensityReport(IReadOnlyList<DensityResult> Runs, string Picture);

/// <summary>One federation at one pair of densities.</summary>
/// <param name="Method">Its name.</param>
/// <param name="DensityDown">Share of the adapter's entries that travels to the nodes.</param>
/// <param name="DensityUp">Share of an update's entries that travels to the coordinator.</param>
/// <param name="Accuracy">On the held-out mails.</param>
/// <param name="MacroF1">Likewise.</param>
/// <param name="BytesUpPerNode">On the socket, per node and round.</param>
/// <param name="BytesDownPerNode">Likewise.</param>
/// <param name="FewerBytes">How many times fewer bytes, up and down together, than the dense run of the same method.</param>
internal sealed record DensityResult(
    string Method, double DensityDown, double DensityUp, double Accuracy, double MacroF1, long BytesUpPerNode, long BytesDownPerNode,
    double FewerBytes);
