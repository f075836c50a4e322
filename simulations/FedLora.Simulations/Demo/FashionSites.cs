using System.Text.Json;
using FedLora.Training.Data;
using FedLora.Training.Data.Images;

namespace FedLora.Simulations.Demo;

/// <summary>
/// Fashion-MNIST at six sites whose images look different (feature skew): each site's camera does something else to them, and the labels
/// are the same everywhere.
/// </summary>
public static class FashionSites
{
    /// <summary>The first so many images of the training file are public: the base model learns from them, and no site has them.</summary>
    public const int PublicImages = 10_000;

    private const int Side = 28;
    private const int Blur = 2;

    /// <summary>What each site does to its images, by the site's name.</summary>
    private static readonly (string Site, Func<byte[], byte[]> Change)[] Sites =
    [
        ("plain", pixels => pixels),
        ("turned", pixels => Moved(pixels, (row, column) => (Side - 1 - column, row))),
        ("upside-down", pixels => Moved(pixels, (row, column) => (Side - 1 - row, Side - 1 - column))),
        ("inverted", pixels => Array.ConvertAll(pixels, value => (byte)(255 - value))),
        ("blurred", Blurred),
        ("dark", pixels => Array.ConvertAll(pixels, value => (byte)(value / 4))),
    ];

    /// <summary>Writes <c>train.jsonl</c> and <c>held-out.jsonl</c>: <c>{"image","label","site"}</c>, the sites in turn.</summary>
    /// <param name="corpus">See <see cref="Corpora.FashionMnist"/>.</param>
    /// <param name="folder">Takes the files.</param>
    /// <param name="training">Images of each site to train on.</param>
    /// <param name="heldOut">Images of each site to judge by, of the set's own test images.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public static void Write(string corpus, string folder, int training, int heldOut, CancellationToken cancellationToken)
    {
        Write(Path.Combine(corpus, "train-images-idx3-ubyte.gz"), PublicImages, training, Path.Combine(folder, "train.jsonl"),
            cancellationToken);
        Write(Path.Combine(corpus, "t10k-images-idx3-ubyte.gz"), 0, heldOut, Path.Combine(folder, "held-out.jsonl"), cancellationToken);
    }

    private static void Write(string images, int first, int each, string path, CancellationToken cancellationToken)
    {
        var records = DataFile.Read(images, new DataSettings(TextTask.CausalLanguageModelling, 0, []), cancellationToken).Records;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllLines(path, records.Skip(first).Take(each * Sites.Length).Select((record, i) => JsonSerializer.Serialize(new
        {
            image = Netpbm.Grey(Side, Side, Sites[i % Sites.Length].Change(record.Image![^(Side * Side)..])),
            label = record.Label,
            site = Sites[i % Sites.Length].Site,
        })));
    }

    private static byte[] Moved(byte[] pixels, Func<int, int, (int Row, int Column)> from)
    {
        var moved = new byte[pixels.Length];
        for (var place = 0; place < pixels.Length; place++)
        {
            var (row, column) = from(place / Side, place % Side);
            moved[place] = pixels[(row * Side) + column];
        }
        return moved;
    }

    // The mean of five by five; beyond the edge it is black.
    private static byte[] Blurred(byte[] pixels)
    {
        var blurred = new byte[pixels.Length];
        for (var place = 0; place < pixels.Length; place++)
        {
            var sum = 0;
            for (var row = Math.Max(0, (place / Side) - Blur); row <= Math.Min(Side - 1, (place / Side) + Blur); row++)
            {
                for (var column = Math.Max(0, (place % Side) - Blur); column <= Math.Min(Side - 1, (place % Side) + Blur); column++)
                    sum += pixels[(row * Side) + column];
            }
            blurred[place] = (byte)(sum / (((2 * Blur) + 1) * ((2 * Blur) + 1)));
        }
        return blurred;
    }
}
