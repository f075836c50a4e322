using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using FedLora.Training.Data.Formats;
using Parquet;
using Parquet.Schema;

namespace FedLora.Training.Tests.Data;

/// <summary>Small files that come to much: each ends at a bound that is met here where passing it would still do no harm.</summary>
public sealed class DataBoundsTests : IDisposable
{
    private const long Few = 1_000_000;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-bounds-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("x.jsonl.gz", "")]
    [InlineData("x.csv.gz", "text,label\n\"")]
    [InlineData("x.csv.gz", "text,label\n")]
    [InlineData("x.tsv.gz", "")]
    public void A_line_or_field_without_an_end_ends_at_the_bound(string name, string begin) =>
        Assert.Contains("unpacks to more than 1000000 characters", TooLarge(Gzip(name, begin, 4_000_000)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_line_without_an_end_is_not_read_on_when_nobody_wants_it()
    {
        using var ended = new CancellationTokenSource();
        var endless = new CountedReader(new Endless(ended, after: 10), new DataBudget("x", long.MaxValue, ended.Token));
        Assert.Throws<OperationCanceledException>(() => TextLines.Read("x", endless).Count());
    }

    [Fact]
    public async Task A_text_of_a_dictionary_counts_and_is_made_once_however_often_it_is_named()
    {
        var path = await ParquetAsync("same.parquet", [.. Enumerable.Repeat(new string('a', 900_000), 8), "b"]);
        using var lines = DataFormat.Read(path, new HashSet<string> { "text" }, new DataBudget(path, 8 * Few, Cancellation), Cancellation)
            .GetEnumerator();
        // The lines are counted by themselves: their texts are each row's own.
        Assert.True(lines.MoveNext());
    }

    [Fact]
    public async Task The_texts_of_a_column_end_at_the_bound() => TooLarge(await ParquetAsync("many.parquet",
        [.. Enumerable.Range(0, 20).Select(i => $"{i}{new string('a', 100_000)}")]));

    [Fact]
    public async Task Values_count_before_room_is_made_for_them() => TooLarge(await ParquetAsync("rows.parquet",
        [.. Enumerable.Repeat("", 100_000)]));

    [Fact]
    public void A_row_has_as_many_characters_in_csv_and_parquet_as_in_json_lines()
    {
        using var row = new JsonRow();
        row.Add("text", new string('a', DataLimits.LargestLine / 2));
        Assert.Null(row.Fault);
        row.Add("more", new string('a', DataLimits.LargestLine / 2));
        var line = row.ToLine("x.csv", 1);
        Assert.Equal($"has more than {DataLimits.LargestLine} characters", line.Fault);
        Assert.Equal(DataLimits.LargestLine, line.Text.Length);
    }

    [Fact]
    public void Of_a_row_that_is_too_long_no_more_is_written()
    {
        using var row = new JsonRow();
        var text = new string('a', DataLimits.LargestLine);
        var taken = 0;
        row.Add("messages", Endless().ToList());
        Assert.NotNull(row.Fault);
        row.Add("text", text);
        Assert.InRange(Encoding.UTF8.GetByteCount(row.ToLine("x", 1).Text), 1, DataLimits.LargestLine);

        IEnumerable<object?> Endless()
        {
            for (; taken < 8; taken++)
                yield return text;
        }
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(100, false)]
    public void A_schema_is_as_deep_as_its_groups_lie_within_each_other(int groups, bool sound)
    {
        var path = Path.Combine(_folder.FullName, "deep.parquet");
        // File metadata: field 2, a list of structures; of each field 5, how many children, but of the last.
        byte[] list = [.. Enumerable.Repeat((byte[])[0x55, 2, 0], groups).SelectMany(element => element), 0];
        byte[] footer = [0x29, 0xFC, (byte)(groups + 1), .. list, 0];
        var length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, footer.Length);
        File.WriteAllBytes(path, [.. "PAR1"u8, .. footer, .. length, .. "PAR1"u8]);
        using var file = File.OpenRead(path);
        Assert.Equal(sound, ParquetFooter.IsSound(file));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static FedLoraException TooLarge(string path)
    {
        var error = Assert.Throws<FedLoraException>(() => DataFormat.Read(path, new HashSet<string> { "text", "label" },
            new DataBudget(path, Few, Cancellation), Cancellation).Count());
        Assert.Equal("data-too-large", error.Code);
        return error;
    }

    private async Task<string> ParquetAsync(string name, string[] texts)
    {
        var path = Path.Combine(_folder.FullName, name);
        var field = new DataField<string>("text");
        await using var file = File.Create(path);
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(field), file, cancellationToken: Cancellation);
        using var group = writer.CreateRowGroup();
        await group.WriteAsync(field, texts);
        group.CompleteValidate();
        return path;
    }

    private string Gzip(string name, string begin, int count)
    {
        var path = Path.Combine(_folder.FullName, name);
        using var zip = new GZipStream(File.Create(path), CompressionLevel.Fastest);
        zip.Write(Encoding.UTF8.GetBytes(begin + new string('a', count)));
        return path;
    }

    /// <summary>Ends after 64 million characters: without the guard too.</summary>
    private sealed class Endless(CancellationTokenSource ending, int after) : TextReader
    {
        private int _reads;

        public override int Read(Span<char> buffer)
        {
            if (++_reads == after)
                ending.Cancel();
            buffer.Fill('a');
            return _reads < 1000 ? buffer.Length : 0;
        }
    }
}
