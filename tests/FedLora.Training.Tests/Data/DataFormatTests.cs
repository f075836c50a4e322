using System.IO.Compression;
using System.Text;
using System.Text.Json;
using FedLora.Training.Data;
using ZstdSharp;

namespace FedLora.Training.Tests.Data;

/// <summary>Every format gives the records, and the ledger's identities, that JSON lines of the same content give.</summary>
public sealed class DataFormatTests : IDisposable
{
    private const string Mails =
        "{\"text\":\"free \\\"money\\\", now\\nor never\",\"label\":\"spam\",\"person\":7}\n{\"text\":\"grüße, ça va? "
            + "日本\",\"label\":\"ham\",\"person\":8}\n";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-formats-");

    // Written by Arrow's C++ library through ParquetSharp 25.0.1: snappy and dictionary pages, gzip and several row groups, delta
    // encodings, zstd and nested columns.
    private static string FileOf(string name) => Path.Combine(AppContext.BaseDirectory, "Data", "files", name);

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("mails.csv", "text,label,person,other\n\"free \"\"money\"\", now\nor never\",spam,7,x\n\"grüße, ça va? 日本\",ham,8,\n")]
    [InlineData("mails.tsv", "label\tperson\ttext\nspam\t7\t\"free \"\"money\"\", now\nor never\"\nham\t8\tgrüße, ça va? 日本\n")]
    [InlineData("mails.ndjson", Mails)]
    public void A_file_of_any_format_reads_as_its_json_lines_do_packed_or_not(string name, string content)
    {
        var wanted = Read(Write("wanted.jsonl", Mails), unit: "person");
        var bytes = Encoding.UTF8.GetBytes(content);
        using var zip = new Compressor();
        foreach (var path in new[] { Write(name, bytes), Write($"{name}.gz", Gzip(bytes)),
            Write($"{name}.zst", zip.Wrap(bytes).ToArray()) })
            Same(wanted, Read(path, unit: "person"));
    }

    [Theory]
    [InlineData("labels-snappy.parquet",
        "{\"text\":\"free money\",\"label\":\"spam\"}\n{\"text\":\"see you at noon\",\"label\":\"ham\"}\n{\"text\":\"grüße, ça va? "
            + "日本\",\"label\":\"ham\"}\n")]
    [InlineData("labels-groups-gzip.parquet",
        "{\"text\":\"free money\",\"label\":\"spam\"}\n{\"text\":\"see you at "
            + "noon\",\"label\":\"ham\"}\n{\"text\":\"free money\",\"label\":\"spam\"}\n{\"text\":\"see you at "
            + "noon\",\"label\":\"ham\"}\n{\"text\":\"free money\",\"label\":\"spam\"}\n{\"text\":\"see you at "
            + "noon\",\"label\":\"ham\"}\n")]
    public void Parquet_of_labelled_texts(string name, string lines) => Same(Read(Write("wanted.jsonl", lines)), Read(FileOf(name)));

    [Fact]
    public void Parquet_of_completions_with_a_unit()
    {
        const string Lines =
            "{\"prompt\":\"2 + 2 = "
                + "\",\"completion\":\"4\",\"person\":1}\n{\"prompt\":\"\",\"completion\":\"hello\",\"person\":2}\n"
                + "{\"prompt\":\"x\",\"completion\":\"y\",\"person\":1}\n";
        Same(Read(Write("wanted.jsonl", Lines), TextTask.CausalLanguageModelling, "person"),
            Read(FileOf("completions-delta.parquet"), TextTask.CausalLanguageModelling, "person"));
    }

    [Fact]
    public void Parquet_of_conversations_nested_and_null()
    {
        const string Lines = """{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello!"}]}""" + "\n"
            + """{"messages":[{"role":"system","content":"You are terse."},{"role":"user","content":"2+2?"},"""
            + """{"role":"assistant","content":"4"}]}""" + "\n";
        var wanted = Read(Write("wanted.jsonl", Lines), TextTask.CausalLanguageModelling);
        var found = Read(FileOf("messages-zstd.parquet"), TextTask.CausalLanguageModelling, bad: BadLines.Skip);
        Assert.Equal(2, found.Skipped.Count);
        Assert.Equal(wanted.Records.Select(Conversation), found.Records.Select(Conversation));
        Assert.Subset(found.Identities.Select(Hex).ToHashSet(), wanted.Identities.Select(Hex).ToHashSet());
    }

    [Fact]
    public void A_folder_reads_as_its_files_one_after_another()
    {
        var folder = _folder.CreateSubdirectory("many").FullName;
        File.WriteAllText(Path.Combine(folder, "b.csv"), "text,label\nlast,ham\n");
        File.WriteAllText(Path.Combine(folder, "a.jsonl"), Mails);
        File.WriteAllText(Path.Combine(folder, "README.md"), "not data");
        File.WriteAllText(Path.Combine(folder, ".hidden.jsonl"), "not data");
        Same(Read(Write("wanted.jsonl", Mails + "{\"text\":\"last\",\"label\":\"ham\"}\n")), Read(folder));
        Assert.Equal("data-missing", Assert.Throws<FedLoraException>(() => Read(_folder.CreateSubdirectory("none").FullName)).Code);
    }

    [Theory]
    [InlineData("x.csv", "text,label\nsecret words,ham\nsecret words\n", "row 2 has 1 fields instead of 2")]
    [InlineData("x.csv", "text,label\nsecret words,ham\n\"secret words,ham\n", "row 2")]
    [InlineData("x.csv", "a,b\nsecret words,ham\n", "none of the columns")]
    [InlineData("x.csv", "Text,Label\nsecret words,ham\n", "it has Text, Label")]
    [InlineData("x.csv", "secret words,ham\nsecret words,ham\n", "it has 2 of other names")]
    [InlineData("x.jsonl", "{\"sentence\":\"secret words\",\"label\":\"ham\"}\n", "not empty; it has sentence")]
    [InlineData("x.jsonl", "[{\"text\":\"secret words\",\"label\":\"ham\"},\n{}]\n", "one object a line")]
    [InlineData("x.parquet", "secret words", "does not begin with PAR1")]
    [InlineData("x.parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:secret\n", "Git LFS")]
    [InlineData("x.csv", "text,text,label\nsecret words,x,ham\n", "twice")]
    [InlineData("x.csv", "", "first line")]
    [InlineData("x.tsv", "text\tlabel\n\tham\n", "row 1 has no \"text\"")]
    [InlineData("x.parquet", "PAR1 secret words and nothing else PAR1", "not a Parquet file")]
    public void What_cannot_be_read_is_said_with_its_place_and_without_its_content(string name, string content, string what)
    {
        var error = Assert.Throws<FedLoraException>(() => Read(Write(name, content)));
        Assert.Equal("data-invalid", error.Code);
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("labels-snappy.parquet")]
    [InlineData("messages-zstd.parquet")]
    public void A_damaged_parquet_file_is_an_error_wherever_it_is_damaged(string name)
    {
        var whole = File.ReadAllBytes(FileOf(name));
        for (var i = 4; i < whole.Length; i += 3)
        {
            byte[] bytes = [.. whole];
            bytes[i] ^= 0xFF;
            _ = TryRead(Write("damaged.parquet", bytes));
            _ = TryRead(Write("short.parquet", whole[..i]));
        }
    }

    [Fact]
    public void Packed_files_that_are_cut_short_are_an_error()
    {
        var bytes = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 2000)
            .Select(i => JsonSerializer.Serialize(new { text = $"text {i * 7919}", label = "ham" }) + "\n")));
        using var zip = new Compressor();
        foreach (var packed in new[] { Gzip(bytes), zip.Wrap(bytes).ToArray() })
            Assert.Equal("data-invalid",
                Assert.Throws<FedLoraException>(() => Read(Write("short.jsonl", packed[..(packed.Length / 2)]))).Code);
    }

    [Theory]
    [InlineData("short.jsonl.gz")]
    [InlineData("short.jsonl.zst")]
    public void A_packed_file_is_cut_short_wherever_it_ends(string name)
    {
        var bytes = Encoding.UTF8.GetBytes(Mails);
        using var zip = new Compressor();
        var packed = name.EndsWith("gz", StringComparison.Ordinal) ? Gzip(bytes) : zip.Wrap(bytes).ToArray();
        for (var length = 0; length < packed.Length - 8; length++)
        {
            var error = Assert.Throws<FedLoraException>(() => Read(Write(name, packed[..length])));
            Assert.Equal("data-invalid", error.Code);
            Assert.True(error.Message.Contains("cut short", StringComparison.Ordinal), $"{length} of {packed.Length}: {error.Message}");
        }
        var empty = name.EndsWith("gz", StringComparison.Ordinal)
            ? [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0] : zip.Wrap([]).ToArray();
        Assert.Equal("data-empty", Assert.Throws<FedLoraException>(() => Read(Write(name, empty))).Code);
    }

    [Fact]
    public void A_line_without_an_end_does_not_fill_the_memory()
    {
        // 40 million characters in 40 kB.
        using var output = new MemoryStream();
        using (var zip = new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (var i = 0; i < 40; i++)
                zip.Write(Enumerable.Repeat((byte)'a', 1_000_000).ToArray());
        }
        var error = Assert.Throws<FedLoraException>(() => Read(Write("bomb.jsonl.gz", output.ToArray())));
        Assert.Contains("line 1 has 40000000 characters", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_end_as_they_always_did()
    {
        var path = Write("ends.jsonl",
            "{\"text\":\"a\",\"label\":\"ham\"}\r\n\r\n{\"text\":\"b\",\"label\":\"ham\"}\r{\"text\":\"c\",\"label\":\"ham\"}");
        Assert.Equal([1, 3, 4], Read(path).Records.Select(record => record.Line));
    }

    private static FedLoraException? TryRead(string path)
    {
        try
        {
            _ = Read(path, TextTask.CausalLanguageModelling, bad: BadLines.Skip);
            return null;
        }
        catch (FedLoraException error)
        {
            return error;
        }
    }

    private static DataFile Read(string path, TextTask task = TextTask.SequenceClassification, string? unit = null,
        BadLines bad = BadLines.Stop) =>
        DataFile.Read(path, new DataSettings(task, 16, task == TextTask.SequenceClassification ? ["ham", "spam"] : [], bad, unit),
            CancellationToken.None);

    private static void Same(DataFile wanted, DataFile found)
    {
        Assert.Equal(wanted.Records.Select(record => (record.Prompt, record.Text, record.Class, record.Unit)),
            found.Records.Select(record => (record.Prompt, record.Text, record.Class, record.Unit)));
        Assert.Equal(wanted.Identities.Select(Hex), found.Identities.Select(Hex));
    }

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexString(bytes.Span);

    private static string Conversation(TextRecord record) =>
        string.Join('|', record.Conversation!.Messages.Select(message => $"{message["role"]}:{message["content"]}"));

    private static byte[] Gzip(byte[] bytes)
    {
        using var output = new MemoryStream();
        using (var zip = new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true))
            zip.Write(bytes);
        return output.ToArray();
    }

    private string Write(string name, string content) => Write(name, Encoding.UTF8.GetBytes(content));

    private string Write(string name, byte[] content)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
