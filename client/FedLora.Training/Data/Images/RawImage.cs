namespace FedLora.Training.Data.Images;

/// <summary>A picture of bytes, 0 to 255: its rows from the top, the channels of a pixel beside each other.</summary>
/// <param name="Width">Pixels, at least 1.</param>
/// <param name="Height">Pixels, at least 1.</param>
/// <param name="Channels">1: grey; 3: red, green and blue.</param>
/// <param name="Values">Height x width x channels.</param>
internal sealed record RawImage(int Width, int Height, int Channels, byte[] Values)
{
    /// <summary>
    /// The same in 1 or 3 channels. Grey is ITU-R BT.601's luma as Pillow rounds it, (19595 R + 38470 G + 7471 B + 32768) / 65536.
    /// </summary>
    public RawImage In(int channels)
    {
        if (channels == Channels)
            return this;
        var values = new byte[Width * Height * channels];
        for (var pixel = 0; pixel < Width * Height; pixel++)
        {
            if (channels == 3)
                values.AsSpan(3 * pixel, 3).Fill(Values[pixel]);
            else
                values[pixel] = (byte)(((19595 * Values[3 * pixel]) + (38470 * Values[(3 * pixel) + 1]) + (7471 * Values[(3 * pixel) + 2])
                    + 32768) >> 16);
        }
        return new RawImage(Width, Height, channels, values);
    }
}
