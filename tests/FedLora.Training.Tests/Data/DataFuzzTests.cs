using System.Text;
using FedLora.Tests;
using FedLora.Training.Data;
using FedLora.Training.Models;

namespace FedLora.Training.Tests.Data;

/// <summary>A site's data and a model's configuration, of whatever origin.</summary>
public sealed class DataFuzzTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-fuzz-").FullName;

    public static TheoryData<string, string[]> Texts => new()
    {
        {
            "jsonl", [
                "{\"text\":\"one\",\"label\":\"ham\"}\n{\"text\":\"two \\u00e4\",\"label\":\"spam\"}\n\n",
                "{\"label\":1,\"text\":\"x\",\"more\":{\"a\":[1,2,{}]}}\n",
            ]
        },
        { "csv", ["text,label\none,ham\n\"two, \"\"quoted\"\"\nlines\",spam\n", "label,text\r\nham,one\r\n"] },
        { "tsv", ["text\tlabel\none\tham\n"] },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void Lines(string extension, string[] seeds)
    {
        var file = Path.Combine(_folder, $"data.{extension}");
        Mutations.Try(extension, [.. seeds.Select(Encoding.UTF8.GetBytes)], 16_000_000, bytes => Read(file, bytes));
    }

    [Fact]
    public void Parquet()
    {
        var file = Path.Combine(_folder, "data.parquet");
        Mutations.Try("parquet", [.. Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Data", "files"), "labels-*.parquet")
            .Order(StringComparer.Ordinal).Select(File.ReadAllBytes)], 64_000_000, bytes => Read(file, bytes));
    }

    /// <summary>
    /// 1,259 bytes whose footer has another type where a text should be: the library took it for a text of 1.4 GB and made room for it.
    /// </summary>
    [Fact]
    public void Parquet_whose_footer_has_other_types_is_damaged()
    {
        var file = Path.Combine(AppContext.BaseDirectory, "Data", "files", "damaged-types.parquet");
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal("data-invalid", Assert.Throws<FedLoraException>(() => DataFile.Read(file,
            new DataSettings(TextTask.SequenceClassification, 16, []), CancellationToken.None)).Code);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64_000_000);
    }

    [Fact]
    public void Model_configurations() => Mutations.Try("config.json",
        [.. Directory.EnumerateFiles(Fixtures.PathOf("models"), "config.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(File.ReadAllBytes)],
        16_000_000, bytes => ModelFamily.ReadConfig(ConfigJson.Read(new MemoryStream(bytes), "here"), _folder));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void Read(string file, byte[] bytes)
    {
        File.WriteAllBytes(file, bytes);
        DataFile.Read(file, new DataSettings(TextTask.SequenceClassification, 16, []), CancellationToken.None);
    }
}
