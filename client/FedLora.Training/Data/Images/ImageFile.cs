using StbImageSharp;

namespace FedLora.Training.Data.Images;

/// <summary>Decodes image files, known by their first bytes: PNG, JPEG, and binary PGM and PPM.</summary>
internal static class ImageFile
{
    /// <summary>What files end in that are read as images.</summary>
    public static readonly string[] Endings = [".png", ".jpg", ".jpeg", ".pgm", ".ppm"];

    // A small file may unpack to any size.
    private const long MostPixels = 1 << 26;
    private static readonly byte[] Png = [0x89, (byte)'P', (byte)'N', (byte)'G'];
    private static readonly byte[] Jpeg = [0xFF, 0xD8, 0xFF];

    /// <summary>The picture; what is transparent in it counts as opaque.</summary>
    /// <exception cref="InvalidDataException">Says what is wrong: "is ...".</exception>
    public static RawImage Decode(byte[] file)
    {
        if (Netpbm.IsOne(file))
            return Netpbm.Read(file);
        if (!file.AsSpan().StartsWith(Png) && !file.AsSpan().StartsWith(Jpeg))
            throw new InvalidDataException("is an image that is neither PNG, JPEG, PGM nor PPM");
        try
        {
            using var head = new EndingStream(file);
            var info = ImageInfo.FromStream(head) ?? throw Damaged(null);
            RequireSize(info.Width, info.Height);
            var grey = info.ColorComponents is ColorComponents.Grey or ColorComponents.GreyAlpha;
            using var stream = new EndingStream(file);
            var found = ImageResult.FromStream(stream, grey ? ColorComponents.Grey : ColorComponents.RedGreenBlue);
            return new RawImage(found.Width, found.Height, grey ? 1 : 3, found.Data);
        }
        catch (Exception error) when (error is not (InvalidDataException or OutOfMemoryException))
        {
            // The library throws what comes; its words are no sentence of ours.
            throw Damaged(error);
        }
    }

    internal static void RequireSize(int width, int height)
    {
        if (width < 1 || height < 1 || (long)width * height > MostPixels)
            throw new InvalidDataException($"is an image of {width} x {height} pixels; 1 to {MostPixels} are read");
    }

    private static InvalidDataException Damaged(Exception? error) => new("is an image file that is damaged or cut short", error);
}
