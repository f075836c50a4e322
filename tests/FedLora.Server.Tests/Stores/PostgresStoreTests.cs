using FedLora.Grains.Blobs;
using FedLora.Server.Stores.Postgres;
using FedLora.Tests;
using Npgsql;
using Orleans.Storage;

namespace FedLora.Server.Tests.Stores;

public sealed class PostgresBlobStoreTests : BlobStoreSuite, IDisposable
{
    private readonly List<PostgresDatabase> _opened = [];
    private readonly string _connection;

    public PostgresBlobStoreTests()
    {
        Assert.SkipUnless(PostgresServer.Missing is null, PostgresServer.Missing ?? "");
        _connection = PostgresServer.NewDatabase();
        Store = Reopened();
    }

    protected override IBlobStore Store { get; }

    protected override IBlobStore Reopened()
    {
        _opened.Add(PostgresDatabase.Open(_connection));
        return new PostgresBlobStore(_opened[^1]);
    }

    /// <summary>
    /// A check reads the database without await. A hundred at once had every thread wait for a connection, and those that had one for a
    /// thread: acknowledgements came after 15 s.
    /// </summary>
    [Fact]
    public async Task No_more_are_checked_at_once_than_can_compute()
    {
        byte[][] uploads = [.. Enumerable.Range(0, 40).Select(i => new byte[] { (byte)i, 1, 2 })];
        var (now, most, start) = (0, 0, await PutAsync([9]));
        await Task.WhenAll(uploads.Select(async bytes =>
        {
            await Store.AppendAsync(HashOf(bytes), 0, bytes, 3, durable: false, default);
            await using var global = await Store.OpenReadAsync(start, default);
            await Store.CompleteAsync(HashOf(bytes), stream =>
            {
                InterlockedMax(ref most, Interlocked.Increment(ref now));
                global.Position = 0;
                Assert.Equal(9, global.ReadByte());
                Interlocked.Decrement(ref now);
            }, default);
        }));
        Assert.InRange(most, 1, Environment.ProcessorCount);
    }

    /// <summary>
    /// Whoever sends the bytes of a damaged blob once more can do nothing about it, and would be told to for ever; who reads it finds it.
    /// </summary>
    [Fact]
    public async Task What_is_a_blob_already_is_not_hashed_again()
    {
        var hash = await PutAsync([1, 2, 3]);
        await _opened[0].RunAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(
                @"UPDATE blob_piece SET bytes = '\x010203ff'::bytea; UPDATE blob SET size = 4", connection);
            return await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }, default);
        var seen = 0;
        await Store.CompleteAsync(hash, stream => seen = (int)stream.Length, default);
        Assert.Equal(4, seen);
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
            Interlocked.CompareExchange(ref most, value, seen);
    }

    public void Dispose() => _opened.ForEach(database => database.Dispose());
}

public sealed class PostgresSettingsTests
{
    [Fact]
    public void Statements_are_prepared_and_a_hundred_connections_do_for_four_coordinators()
    {
        var settings = PostgresDatabase.Settings("Host=db;Username=fedlora");
        Assert.Equal((40, true, 25, 15), (settings.MaxAutoPrepare, settings.NoResetOnClose, settings.MaxPoolSize, settings.Timeout));
        Assert.Equal("-c plan_cache_mode=force_generic_plan", settings.Options);
    }

    /// <summary>A proxy may hand connections out by the transaction.</summary>
    [Fact]
    public void What_the_connection_says_itself_is_so()
    {
        var settings = PostgresDatabase.Settings(
            "Host=db;Max Auto Prepare=0;No Reset On Close=false;Maximum Pool Size=7;Options=-c jit=off;Timeout=3");
        Assert.Equal((0, false, 7, 3), (settings.MaxAutoPrepare, settings.NoResetOnClose, settings.MaxPoolSize, settings.Timeout));
        Assert.Equal("-c jit=off", settings.Options);
        Assert.Null(PostgresDatabase.Settings("Host=db;Max Auto Prepare=0").Options);
    }
}

public sealed class PostgresGrainStorageTests : GrainStorageSuite, IDisposable
{
    private readonly List<PostgresDatabase> _opened = [];
    private readonly string _connection;

    public PostgresGrainStorageTests()
    {
        Assert.SkipUnless(PostgresServer.Missing is null, PostgresServer.Missing ?? "");
        _connection = PostgresServer.NewDatabase();
        Storage = Reopened();
    }

    protected override IGrainStorage Storage { get; }

    protected override IGrainStorage Reopened()
    {
        _opened.Add(PostgresDatabase.Open(_connection));
        return new PostgresGrainStorage(_opened[^1]);
    }

    [Fact]
    public async Task Several_that_start_at_once_make_one_schema()
    {
        var connection = PostgresServer.NewDatabase();
        var opened = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => PostgresDatabase.Open(connection))));
        _opened.AddRange(opened);
        Assert.Equal(8, opened.Length);
    }

    /// <summary>The library repeats a keyword that it does not know, and with a slip of the pen the password is a part of it.</summary>
    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Username=x;Password=hunter-two", "postgres-unreachable")]
    [InlineData("Host=127.0.0.1;Port=1;Username=x;Password:hunter-two", "postgres-invalid")]
    [InlineData("Host=127.0.0.1;Port=1;Pasword=hunter-two", "postgres-invalid")]
    [InlineData("Host=127.0.0.1;Port=hunter-two;Password=hunter-two", "postgres-invalid")]
    [InlineData("Host=127.0.0.1;Port=1;Password=hunter-two;Timeout=x", "postgres-invalid")]
    [InlineData("Password=hunter-two;Host='127.0.0.1", "postgres-invalid")]
    [InlineData("postgresql://x:hunter-two@127.0.0.1:1/x", "postgres-invalid")]
    public void No_error_repeats_the_password(string connection, string code)
    {
        var error = Assert.Throws<FedLoraException>(() => PostgresDatabase.Open(connection));
        Assert.Equal(code, error.Code);
        Assert.DoesNotContain("hunter", $"{error.Message} {error.Hint}", StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_database_that_does_not_answer_is_one_clear_error() =>
        Assert.Equal("postgres-unreachable",
            Assert.Throws<FedLoraException>(() => PostgresDatabase.Open("Host=127.0.0.1;Port=1;Database=x;Username=x")).Code);

    public void Dispose() => _opened.ForEach(database => database.Dispose());
}
