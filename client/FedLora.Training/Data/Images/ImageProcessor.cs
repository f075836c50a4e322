using FedLora.Training.Models;

namespace FedLora.Training.Data.Images;

/// <summary>
/// How a picture becomes a model's input: what <c>preprocessor_config.json</c> of its folder says, done as transformers'
/// <c>ViTImageProcessor</c> does it: resized, x = (value * rescale_factor - image_mean) / image_std by channel, in float32.
/// </summary>
public sealed class ImageProcessor
{
    /// <summary>Its file in a model's folder.</summary>
    public const string FileName = "preprocessor_config.json";

    private const int Bytes = 256;
    private static readonly string[] Done = ["do_resize", "do_rescale", "do_normalize", "do_convert_rgb"];

    private readonly ImageShape _shape;
    private readonly Resampling.Filter? _filter;

    // By channel and byte.
    private readonly float[] _inputs;

    private ImageProcessor(ImageShape shape, Resampling.Filter? filter, float[] inputs) =>
        (_shape, _filter, _inputs) = (shape, filter, inputs);

    /// <summary>Reads a model's.</summary>
    /// <param name="folder">The model's.</param>
    /// <param name="shape">What its config says of its images.</param>
    /// <exception cref="FedLoraException"><c>image-processor-missing</c>; <c>image-processor-unsupported</c>: it asks for what is not done
    /// here; <c>model-config-invalid</c>.</exception>
    public static ImageProcessor Load(string folder, ImageShape shape)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            throw new FedLoraException("image-processor-missing", $"The model of images in '{folder}' has no {FileName}.",
                "Copy it from where the model is from: it says how pictures are scaled before they go in.");
        var config = ConfigJson.Load(path);
        if (config.Keys.FirstOrDefault(key => key.StartsWith("do_", StringComparison.Ordinal) && !Done.Contains(key)
            && config.Flag(key, otherwise: false)) is { } other)
            throw Unsupported(path, $"asks for {other}", $"What is done: {string.Join(", ", Done)}.");
        var filter = config.Flag("do_resize", true) ? FilterOf(config, path, shape) : null;
        return new ImageProcessor(shape, filter, Inputs(config, path, shape));
    }

    /// <summary>Reads a picture, and gives what makes the model's input of it: a byte for each number is kept until then.</summary>
    /// <param name="file">An image file.</param>
    /// <returns>Makes channels x side x side numbers.</returns>
    /// <exception cref="InvalidDataException">Says what is wrong with the picture.</exception>
    internal Func<float[]> Read(byte[] file)
    {
        var (side, channels) = (_shape.Side, _shape.Channels);
        var image = ImageFile.Decode(file).In(channels);
        if (_filter is not null)
            image = Resampling.To(image, side, side, _filter);
        if (image.Width != side || image.Height != side)
            throw new InvalidDataException($"is an image of {image.Width} x {image.Height} pixels; the model takes {side} x {side}");
        var values = image.Values;
        return () =>
        {
            var input = new float[values.Length];
            for (var i = 0; i < values.Length; i++)
                input[(i % channels * side * side) + (i / channels)] = _inputs[(i % channels * Bytes) + values[i]];
            return input;
        };
    }

    private static Resampling.Filter FilterOf(ConfigJson config, string path, ImageShape shape)
    {
        var size = config.Section("size");
        var (height, width) = size is null ? (config.Size("size", shape.Side), config.Size("size", shape.Side))
            : size.Has("height") && size.Has("width") ? (size.Size("height"), size.Size("width"))
            : throw Unsupported(path, "has a size without height and width", "Write \"size\": {\"height\": ..., \"width\": ...}.");
        if (height != shape.Side || width != shape.Side)
            throw Unsupported(path, $"makes images of {width} x {height} pixels, and the model takes {shape.Side} x {shape.Side}",
                "Its config.json and this file do not belong together.");
        return config.Number("resample", 2) switch
        {
            2 => Resampling.Bilinear,
            3 => Resampling.Bicubic,
            var other => throw Unsupported(path, $"has resample {other}", "What is done: 2 (bilinear) and 3 (bicubic)."),
        };
    }

    private static float[] Inputs(ConfigJson config, string path, ImageShape shape)
    {
        var factor = config.Flag("do_rescale", true) ? config.Number("rescale_factor", 1 / 255.0) : 1;
        var normal = config.Flag("do_normalize", true);
        var (mean, deviation) = (Of("image_mean", 0), Of("image_std", 1));
        if (deviation.Contains(0))
            throw config.Invalid("has a 0 in 'image_std'");
        return [.. mean.Zip(deviation).SelectMany(channel => Enumerable.Range(0, Bytes)
            .Select(value => ((float)(value * factor) - (float)channel.First) / (float)channel.Second))];

        double[] Of(string key, double otherwise)
        {
            var numbers = normal ? config.Numbers(key) ?? [.. Enumerable.Repeat(0.5, shape.Channels)]
                : [.. Enumerable.Repeat(otherwise, shape.Channels)];
            return numbers.Length == shape.Channels ? numbers
                : throw Unsupported(path, $"has {numbers.Length} numbers in {key}, and the model's images have {shape.Channels} channels",
                    "Its config.json and this file do not belong together.");
        }
    }

    private static FedLoraException Unsupported(string path, string what, string hint) =>
        new("image-processor-unsupported", $"'{path}' {what}.", hint);
}
