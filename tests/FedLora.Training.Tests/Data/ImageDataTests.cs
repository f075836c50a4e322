using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Json;
using FedLora.Tests;
using FedLora.Training.Data;
using FedLora.Training.Data.Images;
using Parquet;
using Parquet.Schema;

namespace FedLora.Training.Tests.Data;

/// <summary>Images as data: every format gives the same records, and the same input as transformers' processor makes.</summary>
public sealed class ImageDataTests : IDisposable
{
    private static readonly JsonElement Pictures = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Data", "files", "pictures.json"))).RootElement;

    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-images-").FullName;

    public static TheoryData<string> Files => [.. Pictures.GetProperty("decoded").EnumerateArray().Select(one => Text(one, "name"))];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Resizing_is_pillows_to_the_bit()
    {
        foreach (var one in Pictures.GetProperty("resized").EnumerateArray())
        {
            var image = new RawImage(Number(one, "width"), Number(one, "height"), Number(one, "channels"), Bytes(one, "values"));
            var filter = Number(one, "resample") == 2 ? Resampling.Bilinear : Resampling.Bicubic;
            Assert.Equal(Bytes(one, "result"), Resampling.To(image, Number(one, "side"), Number(one, "side"), filter).Values);
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Files_are_decoded_as_pillow_decodes_them(string name)
    {
        var one = Pictures.GetProperty("decoded").EnumerateArray().Single(one => Text(one, "name") == name);
        var image = ImageFile.Decode(Bytes(one, "file"));
        Assert.Equal((Number(one, "width"), Number(one, "height")), (image.Width, image.Height));
        // Decoders of JPEG round differently.
        var most = name.EndsWith("jpg", StringComparison.Ordinal) ? 3 : 0;
        foreach (var (channels, key) in ((int, string)[])[(3, "rgb"), (1, "grey")])
            Assert.All(image.In(channels).Values.Zip(Bytes(one, key)), pair => Assert.InRange(pair.First - pair.Second, -most, most));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_damaged_file_is_an_image_or_an_error_wherever_it_is_damaged(string name)
    {
        var whole = Bytes(Pictures.GetProperty("decoded").EnumerateArray().Single(one => Text(one, "name") == name), "file");
        for (var i = 0; i < whole.Length; i++)
        {
            byte[] bytes = [.. whole];
            bytes[i] ^= 0xFF;
            Try(bytes);
            Try(whole[..i]);
        }

        static void Try(byte[] file)
        {
            try
            {
                _ = ImageFile.Decode(file);
            }
            catch (InvalidDataException error)
            {
                Assert.StartsWith("is ", error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Inputs_are_rescaled_and_normalised_by_channel()
    {
        var model = Model("""{"image_mean":[0.5,0.25,0],"image_std":[0.5,1,2],"rescale_factor":0.01,"do_resize":false}""");
        byte[] pixels = [.. Enumerable.Range(0, 16 * 16 * 3).Select(i => (byte)(i * 7))];
        File.WriteAllText(Path.Combine(_folder, "one.jsonl"), Line([.. "P6 16 16 255\n"u8.ToArray(), .. pixels], "a"));
        var found = Load("one.jsonl", model).Examples[0].Pixels!();
        for (var place = 0; place < 16 * 16; place++)
        {
            Assert.Equal(((pixels[3 * place] * 0.01) - 0.5) / 0.5, found[place], 1e-6);
            Assert.Equal((pixels[(3 * place) + 1] * 0.01) - 0.25, found[256 + place], 1e-6);
            Assert.Equal(pixels[(3 * place) + 2] * 0.01 / 2, found[512 + place], 1e-6);
        }
    }

    [Theory]
    [InlineData("""{"do_center_crop":true}""", "do_center_crop")]
    [InlineData("""{"size":{"shortest_edge":16}}""", "height and width")]
    [InlineData("""{"size":{"height":224,"width":224}}""", "224 x 224")]
    [InlineData("""{"resample":1}""", "resample 1")]
    [InlineData("""{"image_mean":[0.5]}""", "1 numbers in image_mean")]
    public void What_the_processor_cannot_do_is_refused_by_name(string config, string what)
    {
        var error = Assert.Throws<FedLoraException>(() => ModelInput.Load(Model(config)));
        Assert.Equal("image-processor-unsupported", error.Code);
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Idx_parquet_folders_and_lines_of_the_same_images_are_the_same_data()
    {
        var images = Enumerable.Range(0, 3).Select(i => Enumerable.Range(0, 20).Select(j => (byte)((i * 31) + j)).ToArray()).ToArray();
        File.WriteAllText(Path.Combine(_folder, "wanted.jsonl"),
            string.Concat(images.Select((image, i) => Line(Netpbm.Grey(5, 4, image), $"{i}"))));
        var wanted = Read("wanted.jsonl");
        byte[] labels = [0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 2];
        byte[] idx = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, .. images.SelectMany(image => image)];
        File.WriteAllBytes(Path.Combine(_folder, "a-images-idx3-ubyte"), idx);
        File.WriteAllBytes(Path.Combine(_folder, "a-labels-idx1-ubyte.gz"), Gzip(labels));
        Same(wanted, Read("a-images-idx3-ubyte"));
        File.WriteAllBytes(Path.Combine(_folder, "b-images-idx3-ubyte.gz"), Gzip(idx));
        File.WriteAllBytes(Path.Combine(_folder, "b-labels-idx1-ubyte"), labels);
        Same(wanted, Read("b-images-idx3-ubyte.gz"));
        foreach (var (image, i) in images.Select((image, i) => (image, i)))
        {
            Directory.CreateDirectory(Path.Combine(_folder, "classes", $"{i}"));
            File.WriteAllBytes(Path.Combine(_folder, "classes", $"{i}", "x.pgm"), Netpbm.Grey(5, 4, image));
        }
        Same(wanted, Read("classes"));
        await WriteParquetAsync([.. images.Select(image => Netpbm.Grey(5, 4, image))]);
        Same(wanted, Read("images.parquet"));
        Assert.Equal(3, wanted.Identities.Select(hash => Convert.ToHexString(hash.Span)).Distinct().Count());
    }

    [Fact]
    public void Idx_files_that_do_not_belong_together_are_an_error()
    {
        var path = Path.Combine(_folder, "a-images-idx3-ubyte");
        byte[] head = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1];
        File.WriteAllBytes(path, [.. head, 1, 2]);
        Assert.Equal("data-missing", Fails("a-images-idx3-ubyte").Code);
        var labels = Path.Combine(_folder, "a-labels-idx1-ubyte");
        File.WriteAllBytes(labels, [0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 2]);
        Assert.Contains("2 images, and 3 labels", Fails("a-images-idx3-ubyte").Message, StringComparison.Ordinal);
        File.WriteAllBytes(labels, [0, 0, 8, 1, 0, 0, 0, 2, 0]);
        Assert.Contains("cut short", Fails("a-images-idx3-ubyte").Message, StringComparison.Ordinal);
        File.WriteAllBytes(labels, head);
        Assert.Contains("00000801", Fails("a-images-idx3-ubyte").Message, StringComparison.Ordinal);
        Assert.Contains("labels alone", Fails("a-labels-idx1-ubyte").Message, StringComparison.Ordinal);
        BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(8), int.MaxValue);
        File.WriteAllBytes(path, head);
        File.WriteAllBytes(labels, [0, 0, 8, 1, 0, 0, 0, 2, 0, 1]);
        Assert.Contains("pixels", Fails("a-images-idx3-ubyte").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_image_or_none_for_the_model_is_named_with_its_line()
    {
        var model = Model("{}");
        File.WriteAllText(Path.Combine(_folder, "x.jsonl"), "{\"image\":\"x.png\",\"label\":\"a\"}\n");
        Assert.Contains("line 1 has an \"image\" that is not an image file in Base64", Fails("x.jsonl").Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder, "x.jsonl"), Line([1, 2, 3], "a") + Line(Netpbm.Grey(2, 2, [1, 2, 3, 4]), "b"));
        var error = Assert.Throws<FedLoraException>(() => Load("x.jsonl", model));
        Assert.Contains("line 1 is an image that is neither PNG", error.Message, StringComparison.Ordinal);
        var rest = Load("x.jsonl", model, BadLines.Skip);
        Assert.Equal((1, 1), (rest.Examples.Count, rest.Skipped.Count));
        File.WriteAllText(Path.Combine(_folder, "x.jsonl"), "{\"text\":\"words\",\"label\":\"a\"}\n");
        Assert.Contains("is a text, and the model reads images", Assert.Throws<FedLoraException>(() => Load("x.jsonl", model)).Message,
            StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder, "x.jsonl"), Line(Netpbm.Grey(2, 2, [1, 2, 3, 4]), "b"));
        Assert.Contains("is an image, and the model reads texts",
            Assert.Throws<FedLoraException>(() =>
                Load("x.jsonl", Path.Combine(Fixtures.Repository, "simulations", "models", "mail-encoder"))).Message,
            StringComparison.Ordinal);
        // No text is taken for an image that stands beside it.
        Assert.Equal(ExampleIdentity.Of("{\"text\":\"words of a person, long enough\"}").Count,
            ExampleIdentity.Of("{\"text\":\"words of a person, long enough\",\"image\":\"QUJD\"}").Count);
    }

    private static string Line(byte[] file, string label) => JsonSerializer.Serialize(new { image = file, label }) + "\n";

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static int Number(JsonElement element, string name) => element.GetProperty(name).GetInt32();

    private static byte[] Bytes(JsonElement element, string name) => element.GetProperty(name).GetBytesFromBase64();

    private static byte[] Gzip(byte[] bytes)
    {
        using var output = new MemoryStream();
        using (var zip = new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true))
            zip.Write(bytes);
        return output.ToArray();
    }

    private static void Same(DataFile wanted, DataFile found)
    {
        Assert.Equal(wanted.Records.Select(record => (record.Label, record.Class, Convert.ToHexString(record.Image!))),
            found.Records.Select(record => (record.Label, record.Class, Convert.ToHexString(record.Image!))));
        Assert.Equal(wanted.Identities.Select(hash => Convert.ToHexString(hash.Span)),
            found.Identities.Select(hash => Convert.ToHexString(hash.Span)));
    }

    private DataFile Read(string name) => DataFile.Read(Path.Combine(_folder, name),
        new DataSettings(TextTask.SequenceClassification, 0, ["0", "1", "2"]), CancellationToken.None);

    private FedLoraException Fails(string name) => Assert.Throws<FedLoraException>(() => DataFile.Read(Path.Combine(_folder, name),
        new DataSettings(TextTask.SequenceClassification, 0, []), CancellationToken.None));

    private DataSet Load(string name, string model, BadLines bad = BadLines.Stop) => DataSet.Load(Path.Combine(_folder, name),
        new DataSettings(TextTask.SequenceClassification, 16, ["a", "b"], bad), ModelInput.Load(model), CancellationToken.None);

    // As Hugging Face's datasets has it: a structure of bytes and path.
    private async Task WriteParquetAsync(byte[][] files)
    {
        var schema = new ParquetSchema(new StructField("image", new DataField<byte[]>("bytes"), new DataField<string>("path")),
            new DataField<string>("label"));
        await using var stream = File.Create(Path.Combine(_folder, "images.parquet"));
        await using var writer = await ParquetWriter.CreateAsync(schema, stream);
        using var group = writer.CreateRowGroup();
        var leaves = schema.DataFields;
        await group.WriteAsync(leaves[0], files);
        await group.WriteAsync(leaves[1], [.. files.Select((_, i) => $"{i}.pgm")]);
        await group.WriteAsync(leaves[2], [.. files.Select((_, i) => $"{i}")]);
    }

    private string Model(string processor)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "model")).FullName;
        File.Copy(Fixtures.PathOf("models", "vit-classify", "config.json"), Path.Combine(folder, "config.json"), overwrite: true);
        File.WriteAllText(Path.Combine(folder, ImageProcessor.FileName), processor);
        return folder;
    }
}
