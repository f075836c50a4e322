using FedLora.Tokenizers;
using FedLora.Training.Data.Images;
using FedLora.Training.Models;

namespace FedLora.Training.Data;

/// <summary>What of a base model's folder turns data into its input: a tokenizer, or how images are prepared.</summary>
public sealed class ModelInput
{
    private readonly ImageProcessor? _images;

    private ModelInput(Tokenizer? tokenizer, ImageProcessor? images) => (Tokenizer, _images) = (tokenizer, images);

    /// <summary>Null for a model of images.</summary>
    public Tokenizer? Tokenizer { get; }

    /// <summary>Reads a model's.</summary>
    /// <exception cref="FedLoraException">As <see cref="ModelFamily.ReadFolder"/>, <see cref="Tokenizers.Tokenizer.Load"/> and
    /// <see cref="ImageProcessor.Load"/>.</exception>
    public static ModelInput Load(string folder) =>
        ModelFamily.ReadFolder(folder, ModelTask.Hidden).Image is { } shape ? new(null, ImageProcessor.Load(folder, shape))
            : Of(Tokenizer.Load(Path.Combine(folder, "tokenizer.json")));

    /// <summary>That of a model of texts.</summary>
    public static ModelInput Of(Tokenizer tokenizer) => new(tokenizer, null);

    internal IExampleEncoder Encoder(int maxLength) =>
        _images is not null ? new ImageEncoder(_images) : new ExampleEncoder(Tokenizer!, maxLength);
}
