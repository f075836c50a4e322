namespace FedLora.Simulations.Pretraining.Images;

/// <summary>The size of a ViT over grey square images.</summary>
/// <param name="Side">Pixels of an image; a multiple of <paramref name="Patch"/>.</param>
/// <param name="Patch">Pixels of a patch's side.</param>
/// <param name="Layers">Blocks.</param>
/// <param name="Width">Numbers per patch; a multiple of <paramref name="Heads"/>.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="Inner">Width of the feed-forward layers.</param>
/// <param name="Classes">Labels, named by their numbers from 0.</param>
public sealed record VitShape(int Side = 28, int Patch = 7, int Layers = 4, int Width = 128, int Heads = 4, int Inner = 256,
    int Classes = 10);

/// <summary>How a ViT is trained.</summary>
/// <param name="Steps">Optimiser steps.</param>
/// <param name="BatchSize">Images of a step.</param>
/// <param name="LearningRate">The highest rate, reached after a tenth of the steps; then it falls to zero in a straight line.</param>
/// <param name="Seed">Decides start and order.</param>
public sealed record ImagePretrainingSettings(int Steps = 500, int BatchSize = 64, double LearningRate = 1e-3, int Seed = 1);
