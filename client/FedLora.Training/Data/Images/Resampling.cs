namespace FedLora.Training.Data.Images;

/// <summary>
/// Another size, to the bit as Pillow's <c>Image.resize</c> makes it, which transformers' image processors call: a separable filter that
/// widens with the reduction, in 22 bits behind the point, rounded to bytes after each of the two directions.
/// </summary>
internal static class Resampling
{
    private const int Bits = 22;

    /// <summary>What pixels count by their distance.</summary>
    /// <param name="Reach">Beyond which they count nothing, in pixels of the smaller picture.</param>
    /// <param name="Weight">At a distance.</param>
    internal sealed record Filter(double Reach, Func<double, double> Weight);

    /// <summary>1 - |x|.</summary>
    public static Filter Bilinear { get; } = new(1, x => Math.Max(0, 1 - Math.Abs(x)));

    /// <summary>Keys 1981, with a = -1/2.</summary>
    public static Filter Bicubic { get; } = new(2, x =>
    {
        x = Math.Abs(x);
        return x < 1 ? (((1.5 * x) - 2.5) * x * x) + 1 : x < 2 ? (((((x - 5) * x) + 8) * x) - 4) * -0.5 : 0;
    });

    /// <summary>The picture in another size.</summary>
    public static RawImage To(RawImage image, int width, int height, Filter filter)
    {
        if (image.Width != width)
            image = new RawImage(width, image.Height, image.Channels, Along(image.Values, image.Height, image.Width, width, image.Channels,
                filter));
        return image.Height == height ? image
            // Rows are pixels of many channels.
            : new RawImage(width, height, image.Channels, Along(image.Values, 1, image.Height, height, width * image.Channels, filter));
    }

    // Lines of "size" entries of "inner" numbers each.
    private static byte[] Along(byte[] values, int lines, int size, int wanted, int inner, Filter filter)
    {
        var result = new byte[lines * wanted * inner];
        for (var place = 0; place < wanted; place++)
        {
            var (first, weights) = Weights(place, size, wanted, filter);
            for (var line = 0; line < lines; line++)
            {
                for (var channel = 0; channel < inner; channel++)
                {
                    var sum = 1 << (Bits - 1);
                    for (var i = 0; i < weights.Length; i++)
                        sum += values[(((line * size) + first + i) * inner) + channel] * weights[i];
                    result[(((line * wanted) + place) * inner) + channel] = (byte)Math.Clamp(sum >> Bits, 0, 255);
                }
            }
        }
        return result;
    }

    private static (int First, int[] Weights) Weights(int place, int size, int wanted, Filter filter)
    {
        var scale = (double)size / wanted;
        var widened = Math.Max(scale, 1);
        var (center, reach) = ((place + 0.5) * scale, filter.Reach * widened);
        var first = Math.Max((int)(center - reach + 0.5), 0);
        var end = Math.Min((int)(center + reach + 0.5), size);
        var weights = Enumerable.Range(first, end - first).Select(at => filter.Weight((at - center + 0.5) / widened)).ToArray();
        var sum = weights.Sum();
        return (first, [.. weights.Select(weight => (int)Math.Truncate((weight / sum * (1 << Bits)) + Math.CopySign(0.5, weight)))]);
    }
}
