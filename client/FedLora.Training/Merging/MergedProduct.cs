using FedLora.Adapters;

namespace FedLora.Training.Merging;

/// <summary>What is merged into one linear layer.</summary>
/// <param name="A">r x d_in.</param>
/// <param name="B">d_out x r.</param>
/// <param name="Scale">s.</param>
/// <param name="Magnitudes">DoRA: the length of each row, d_out of them; null otherwise.</param>
internal sealed record MergedProduct(AdapterTensor A, AdapterTensor B, double Scale, float[]? Magnitudes);
