namespace FedLora.Training.Data.Images;

/// <summary>Turns records of images into examples.</summary>
internal sealed class ImageEncoder(ImageProcessor images) : IExampleEncoder
{
    public (Example Example, int Cut) Encode(TextRecord record, TextTask task, CancellationToken cancellationToken)
    {
        var file = record.Image ?? throw record.Bad("is a text, and the model reads images");
        try
        {
            return (new Example([]) { Pixels = images.Read(file), Class = record.Class }, 0);
        }
        catch (InvalidDataException error)
        {
            throw record.Bad(error.Message, error);
        }
    }
}
