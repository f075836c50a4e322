using FedLora.Grains.Blobs;
using FedLora.Server.Stores.Postgres;
using FedLora.Tests;
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

    public void Dispose() => _opened.ForEach(database => database.Dispose());
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
