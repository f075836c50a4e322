using Dapper;
using FedLora.Server.Stores;
using Microsoft.Data.Sqlite;
using Orleans.Storage;

namespace FedLora.Server.Tests.Stores;

public sealed class SqliteGrainStorageTests : GrainStorageSuite, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-sqlite-");
    private readonly List<SqliteDatabase> _opened = [];

    public SqliteGrainStorageTests() => Storage = Reopened();

    protected override IGrainStorage Storage { get; }

    protected override IGrainStorage Reopened()
    {
        _opened.Add(new SqliteDatabase(Path.Combine(_folder.FullName, "state.db")));
        return new SqliteGrainStorage(_opened[^1]);
    }

    /// <summary>
    /// Two connections that write at once cost one of them 150 ms, which is how Microsoft.Data.Sqlite waits: so all go over one.
    /// </summary>
    [Fact]
    public async Task Writes_take_turns()
    {
        var database = _opened[0];
        var (writing, most) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => database.WriteAsync(_ =>
        {
            most = Math.Max(most, Interlocked.Increment(ref writing));
            Thread.Yield();
            return Interlocked.Decrement(ref writing);
        }, CancellationToken.None)));
        Assert.Equal(1, most);
    }

    /// <summary>A statement that failed is nothing to the next one.</summary>
    [Fact]
    public async Task A_write_that_failed_leaves_nothing()
    {
        var database = _opened[0];
        await Assert.ThrowsAsync<SqliteException>(() => database.WriteAsync(connection => connection.Execute(
            "BEGIN; CREATE TABLE left_over (a); INSERT INTO nowhere VALUES (1)"), CancellationToken.None));
        var left = await database.WriteAsync(connection => connection.ExecuteScalar<long>(
            "SELECT COUNT(*) FROM sqlite_master WHERE name = 'left_over'"), CancellationToken.None);
        Assert.Equal(0, left);
    }

    /// <summary>SQLite fills a page that was cut off with zeros: a row's key was not found, and a coordinator began anew.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(200)]
    [InlineData(4000)]
    [InlineData(4096)]
    public async Task A_file_that_was_cut_off_is_damaged(int missing)
    {
        var path = Path.Combine(_folder.FullName, "cut.db");
        using (var database = new SqliteDatabase(path))
        {
            await database.WriteAsync(connection => connection.Execute(
                "CREATE TABLE t (a TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES ('a row')"), CancellationToken.None);
        }

        await using (var file = File.OpenWrite(path))
            file.SetLength(file.Length - missing);
        var error = Assert.Throws<FedLoraException>(() => new SqliteDatabase(path));
        Assert.Equal("state-damaged", error.Code);
        Assert.DoesNotContain('\n', error.Message);
    }

    public void Dispose()
    {
        _opened.ForEach(database => database.Dispose());
        _folder.Delete(recursive: true);
    }
}
