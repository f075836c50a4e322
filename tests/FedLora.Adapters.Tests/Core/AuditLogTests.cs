using FedLora.Core.Audit;
using Microsoft.Extensions.Logging;

namespace FedLora.Adapters.Tests.Core;

public sealed partial class AuditLogTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 11, 29, 6, 0, 0, TimeSpan.Zero);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-audit-tests-");

    private string Path => AuditLog.FolderIn(_folder.FullName);

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void What_is_appended_is_read_again_whole_by_whoever_reads_beside_the_writer()
    {
        using var log = AuditLog.Open(Path);
        Fill(log, 3);
        var read = AuditFiles.Read(Path).ToList();
        Assert.Equal([1, 2, 3], read.Select(entry => entry.Sequence));
        Assert.Equal(log.Head, read[^1].Hash);
        Assert.Equal((Start.AddSeconds(2), "information", "Event", "message 2 \"ä\" <b>", "2"),
            (read[2].At, read[2].Level, read[2].Event, read[2].Message, read[2].Fields["round"]));
        Assert.Equal(new string('0', 64), read[0].Previous);
    }

    [Fact]
    public void A_log_goes_on_where_it_ended_and_cuts_off_what_was_being_written()
    {
        using (var log = AuditLog.Open(Path))
            Fill(log, 2);
        var file = Files().Single();
        File.AppendAllText(file, "{\"sequence\":3,\"at\":\"20");
        Assert.Equal(2, AuditFiles.Read(Path).Count());
        using (var log = AuditLog.Open(Path))
        {
            Assert.Equal(2, log.Count);
            Fill(log, 1);
        }
        Assert.Equal([1, 2, 3], AuditFiles.Read(Path).Select(entry => entry.Sequence));
    }

    [Fact]
    public void Every_byte_that_is_changed_shows()
    {
        using (var log = AuditLog.Open(Path))
            Fill(log, 3);
        var file = Files().Single();
        var good = File.ReadAllBytes(file);
        Assert.Equal(3, AuditFiles.Read(Path).Count());
        // The last line's end alone can be lost without a trace: that is a line that is still being written.
        for (var i = 0; i < good.Length - 1; i++)
        {
            var bad = good.ToArray();
            bad[i] ^= 1;
            File.WriteAllBytes(file, bad);
            Assert.Equal("audit-damaged", Assert.Throws<FedLoraException>(() => AuditFiles.Read(Path).Count()).Code);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_line_that_is_removed_shows_with_its_place(int removed)
    {
        using (var log = AuditLog.Open(Path))
            Fill(log, 4);
        var file = Files().Single();
        var lines = File.ReadAllLines(file).ToList();
        lines.RemoveAt(removed);
        File.WriteAllText(file, string.Join('\n', lines) + "\n");
        var found = Assert.Throws<FedLoraException>(() => AuditFiles.Read(Path).Count());
        Assert.Contains($"line {removed + 1} of {file}", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_end_is_refused_and_left_as_it_is()
    {
        using (var log = AuditLog.Open(Path))
            Fill(log, 2);
        var file = Files().Single();
        var bad = File.ReadAllText(file).Replace("message 1", "message 9", StringComparison.Ordinal);
        File.WriteAllText(file, bad);
        Assert.Equal("audit-damaged", Assert.Throws<FedLoraException>(() => AuditLog.Open(Path)).Code);
        Assert.Equal(bad, File.ReadAllText(file));
    }

    [Fact]
    public void A_large_log_goes_on_in_another_file_and_is_one_chain()
    {
        using (var log = AuditLog.Open(Path, limit: 1000))
            Fill(log, 20);
        Assert.True(Files().Count > 3);
        using (var log = AuditLog.Open(Path, limit: 1000))
            Fill(log, 20);
        Assert.Equal(Enumerable.Range(1, 40).Select(number => (long)number), AuditFiles.Read(Path).Select(entry => entry.Sequence));
        Assert.Equal([36, 38, 40], AuditFiles.Last(Path, entry => entry.Sequence % 2 == 0, 3, Token).Select(entry => entry.Sequence));
        Assert.Equal(Enumerable.Range(14, 27).Select(number => (long)number),
            AuditFiles.After(Path, 13, Token).Select(entry => entry.Sequence));
        File.Delete(Files()[1]);
        Assert.Equal("audit-damaged", Assert.Throws<FedLoraException>(() => AuditFiles.Read(Path).Count()).Code);
    }

    [Fact]
    public async Task Many_write_at_once_and_who_waits_is_woken()
    {
        using var log = AuditLog.Open(Path, limit: 5000);
        var waiting = log.WaitAsync(399, CancellationToken.None);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Fill(log, 100))));
        await waiting.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(400, AuditFiles.Read(Path).Count());
    }

    [Fact]
    public void Log_messages_of_the_program_become_entries_and_nobody_elses()
    {
        using var log = AuditLog.Open(Path);
        using var provider = new AuditLoggerProvider(new Lazy<AuditLog>(log), TimeProvider.System);
        var own = provider.CreateLogger("FedLora.Grains.Federations.FederationGrain");
        Repeated(own, new InvalidOperationException("boom"), 3, "mail\nbox");
        TooFine(own);
        Repeated(provider.CreateLogger("Orleans.Runtime"), new InvalidOperationException(), 1, "not ours");
        var entry = AuditFiles.Read(Path).Single();
        Assert.Equal(("warning", "Repeated", "round 3 of mail box", "3", "InvalidOperationException"),
            (entry.Level, entry.Event, entry.Message, entry.Fields["round"], entry.Fields["error"]));
    }

    [LoggerMessage(1, LogLevel.Warning, "round {Round} of {Federation}")]
    private static partial void Repeated(ILogger logger, Exception error, int round, string federation);

    [LoggerMessage(2, LogLevel.Debug, "too fine")]
    private static partial void TooFine(ILogger logger);

    [Fact]
    public void What_a_full_disk_kept_out_is_said_and_the_log_goes_on()
    {
        var isFull = false;
        using var log = AuditLog.Open(Path, (file, line) =>
        {
            file.Write(line.AsSpan(0, isFull ? line.Length / 2 : line.Length));
            if (isFull)
                throw new IOException("No space left on device");
        });
        Fill(log, 1);
        isFull = true;
        log.Append(Start, "information", "Event", "lost", new Dictionary<string, string>());
        var before = Assert.Throws<FedLoraException>(() => log.RequireWritable(Start));
        Assert.Contains("Nothing was done", before.Hint, StringComparison.Ordinal);
        var done = Assert.Throws<FedLoraException>(() => log.Flush("It has come to its end (done), which"));
        Assert.StartsWith("It has come to its end (done), which could not be recorded", done.Message, StringComparison.Ordinal);
        isFull = false;
        log.RequireWritable(Start);
        Fill(log, 1);
        var read = AuditFiles.Read(Path).ToList();
        Assert.Equal(["Event", "Resumed", "Event"], read.Select(entry => entry.Event));
        Assert.Contains("No space left", read[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_logs_after_the_end_is_not_disturbed()
    {
        var log = AuditLog.Open(Path);
        Fill(log, 1);
        log.Dispose();
        Fill(log, 1);
        Assert.Single(AuditFiles.Read(Path));
    }

    [Fact]
    public void Entries_are_found_from_the_end_back_whatever_their_length()
    {
        using (var log = AuditLog.Open(Path, limit: 300_000))
        {
            for (var i = 1; i <= 60; i++)
                log.Append(Start, "information", "Event", new string('ä', i * 700), new Dictionary<string, string>());
        }
        File.AppendAllText(Files()[^1], "{\"sequence\":61,");
        var all = AuditFiles.Read(Path).Select(entry => entry.Hash).ToList();
        Assert.Equal(60, all.Count);
        for (var count = 1; count <= 60; count++)
        {
            Assert.Equal(all.TakeLast(count), AuditFiles.Last(Path, _ => true, count, Token).Select(entry => entry.Hash));
            Assert.Equal(all.Skip(count), AuditFiles.After(Path, count, Token).Select(entry => entry.Hash));
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private List<string> Files() => [.. Directory.EnumerateFiles(Path).Order(StringComparer.Ordinal)];

    private static void Fill(AuditLog log, int count)
    {
        for (var i = 0; i < count; i++)
        {
            log.Append(Start.AddSeconds(i), "information", "Event", $"message {i} \"ä\" <b>",
                new Dictionary<string, string> { ["round"] = $"{i}" });
        }

        log.Flush();
    }
}
