using System.Globalization;
using System.Text.Json;
using Dapper;
using Orleans.Storage;

namespace FedLora.Server.Stores;

/// <summary>Grain state as JSON rows in SQLite. The ETag is a row's version.</summary>
public sealed class SqliteGrainStorage : IGrainStorage, ILifecycleParticipant<ISiloLifecycle>
{
    internal const string CreateTable =
        "CREATE TABLE IF NOT EXISTS grain_state (name TEXT NOT NULL, grain TEXT NOT NULL, version INTEGER NOT NULL, json TEXT NOT NULL, "
            + "PRIMARY KEY (name, grain)) WITHOUT ROWID";

    private readonly SqliteDatabase _database;
    private readonly Task _ready;

    public SqliteGrainStorage(SqliteDatabase database)
    {
        _database = database;
        _ready = database.WriteAsync(connection => connection.Execute(CreateTable), CancellationToken.None);
    }

    /// <summary>A database that cannot be prepared ends the silo's start, not a grain's first call.</summary>
    public void Participate(ISiloLifecycle observer) =>
        observer.Subscribe<SqliteGrainStorage>(ServiceLifecycleStage.ApplicationServices, _ => _ready);

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ReadStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        await _ready;
        var row = await _database.ReadAsync(
            connection =>
                connection.QuerySingleOrDefault<Row>(
                    "SELECT version AS Version, json AS Json FROM grain_state WHERE name = @stateName AND grain = @grain",
                    new { stateName, grain = grainId.ToString() }),
            cancellationToken);
        grainState.State = row is null ? Activator.CreateInstance<T>() : JsonSerializer.Deserialize<T>(row.Json, StoredJson.Options)!;
        grainState.ETag = row?.Version.ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = row is not null;
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        await _ready;
        // Serialised now, in the grain's turn: it may change its state while the row is written.
        var json = JsonSerializer.SerializeToUtf8Bytes(grainState.State, StoredJson.Rows);
        var sql = grainState.ETag is null
            ? "INSERT INTO grain_state (name, grain, version, json) VALUES (@stateName, @grain, 1, CAST(@json AS TEXT)) ON CONFLICT DO "
                + "NOTHING RETURNING version"
            : "UPDATE grain_state SET version = version + 1, json = CAST(@json AS TEXT) WHERE name = @stateName AND grain = @grain AND "
                + "version = @version RETURNING version";
        var version = await _database.WriteAsync(
            connection => connection.QuerySingleOrDefault<long?>(sql,
                new { stateName, grain = grainId.ToString(), json, version = Version(grainState.ETag) }),
            cancellationToken) ?? throw await ConflictAsync(stateName, grainId, grainState.ETag, cancellationToken);
        grainState.ETag = version.ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = true;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ClearStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        await _ready;
        var arguments = new { stateName, grain = grainId.ToString(), version = Version(grainState.ETag) };
        var cleared = await _database.WriteAsync(
            connection =>
                connection.Execute("DELETE FROM grain_state WHERE name = @stateName AND grain = @grain AND version = @version",
                    arguments) == 1
                    || (arguments.version is null
                        && connection.ExecuteScalar<long>("SELECT COUNT(*) FROM grain_state WHERE name = @stateName AND grain = @grain",
                            arguments) == 0),
            cancellationToken);
        if (!cleared)
            throw await ConflictAsync(stateName, grainId, grainState.ETag, cancellationToken);
        grainState.State = Activator.CreateInstance<T>();
        grainState.ETag = null;
        grainState.RecordExists = false;
    }

    private static long? Version(string? etag) => etag is null ? null : long.Parse(etag, CultureInfo.InvariantCulture);

    private async Task<InconsistentStateException> ConflictAsync(string stateName, GrainId grainId, string? etag,
        CancellationToken cancellationToken)
    {
        var stored = await _database.ReadAsync(
            connection =>
                connection.QuerySingleOrDefault<string?>(
                    "SELECT CAST(version AS TEXT) FROM grain_state WHERE name = @stateName AND grain = @grain",
                    new { stateName, grain = grainId.ToString() }),
            cancellationToken);
        return new InconsistentStateException($"State {stateName} of {grainId} was written by somebody else.", stored, etag);
    }

    private sealed class Row
    {
        public long Version { get; init; }

        public string Json { get; init; } = "";
    }
}
