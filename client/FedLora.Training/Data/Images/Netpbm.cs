using System.Globalization;
using System.Text;

namespace FedLora.Training.Data.Images;

/// <summary>Binary PGM (<c>P5</c>) and PPM (<c>P6</c>) of 8 bits: the plainest image files there are.</summary>
public static class Netpbm
{
    /// <summary>A grey picture as a PGM file.</summary>
    /// <param name="width">Pixels.</param>
    /// <param name="height">Pixels.</param>
    /// <param name="pixels">Height x width, 0 black to 255 white.</param>
    public static byte[] Grey(int width, int height, ReadOnlySpan<byte> pixels) =>
        [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"P5\n{width} {height}\n255\n")), .. pixels];

    internal static bool IsOne(ReadOnlySpan<byte> file) => file.StartsWith("P5"u8) || file.StartsWith("P6"u8);

    /// <exception cref="InvalidDataException">Says what is wrong.</exception>
    internal static RawImage Read(ReadOnlySpan<byte> file)
    {
        var (at, channels) = (2, file[1] == (byte)'5' ? 1 : 3);
        var (width, height, white) = (Number(file, ref at), Number(file, ref at), Number(file, ref at));
        if (white != 255)
            throw new InvalidDataException("is a PGM or PPM file of other than 8 bits");
        ImageFile.RequireSize(width, height);
        var count = width * height * channels;
        // One white space parts the head from the pixels.
        if (file.Length - at - 1 < count)
            throw new InvalidDataException("is an image file that is cut short");
        return new RawImage(width, height, channels, file.Slice(at + 1, count).ToArray());
    }

    private static int Number(ReadOnlySpan<byte> file, ref int at)
    {
        while (at < file.Length && (char.IsWhiteSpace((char)file[at]) || file[at] == '#'))
        {
            var comment = file[at] == '#';
            at++;
            while (comment && at < file.Length && file[at] != '\n')
                at++;
        }
        var start = at;
        while (at < file.Length && char.IsAsciiDigit((char)file[at]))
            at++;
        return int.TryParse(file[start..at], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }
}
