using System.Globalization;
using System.Text.Json;
using Dapper;
using Orleans.Storage;

namespace FedLora.Server.Stores.Postgres;

/// <summary>
/// Grain state as JSON rows in PostgreSQL: the same rows as in SQLite, so that one moves to the other. The ETag is a row's version.
/// </summary>
public sealed class PostgresGrainStorage(PostgresDatabase database) : IGrainStorage
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ReadStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var row = await database.RunAsync(connection => connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(
            "SELECT version AS Version, json AS Json FROM grain_state WHERE name = @stateName AND grain = @grain",
            new { stateName, grain = grainId.ToString() }, cancellationToken: cancellationToken)), cancellationToken);
        grainState.State = row is null ? Activator.CreateInstance<T>() : JsonSerializer.Deserialize<T>(row.Json, StoredJson.Options)!;
        grainState.ETag = row?.Version.ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = row is not null;
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        // Serialised now, in the grain's turn: it may change its state while the row is written.
        var json = JsonSerializer.Serialize(grainState.State, StoredJson.Rows);
        var sql = grainState.ETag is null
            ? "INSERT INTO grain_state (name, grain, version, json) VALUES (@stateName, @grain, 1, @json) ON CONFLICT DO NOTHING "
                + "RETURNING version"
            : "UPDATE grain_state SET version = version + 1, json = @json WHERE name = @stateName AND grain = @grain AND version = "
                + "@version RETURNING version";
        var arguments = new { stateName, grain = grainId.ToString(), json, version = Version(grainState.ETag) };
        var version = await database.RunAsync(
            connection =>
                connection.QuerySingleOrDefaultAsync<long?>(new CommandDefinition(sql, arguments, cancellationToken: cancellationToken)),
            cancellationToken)
            ?? throw await ConflictAsync(stateName, grainId, grainState.ETag, cancellationToken);
        grainState.ETag = version.ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = true;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ClearStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var arguments = new { stateName, grain = grainId.ToString(), version = Version(grainState.ETag) };
        var isCleared = await database.RunAsync(async connection =>
            await connection.ExecuteAsync(
                new CommandDefinition("DELETE FROM grain_state WHERE name = @stateName AND grain = @grain AND version = @version",
                    arguments, cancellationToken: cancellationToken)) == 1
            || (arguments.version is null && !await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                "SELECT EXISTS (SELECT 1 FROM grain_state WHERE name = @stateName AND grain = @grain)", arguments,
                cancellationToken: cancellationToken))), cancellationToken);
        if (!isCleared)
            throw await ConflictAsync(stateName, grainId, grainState.ETag, cancellationToken);
        grainState.State = Activator.CreateInstance<T>();
        grainState.ETag = null;
        grainState.RecordExists = false;
    }

    private static long? Version(string? etag) => etag is null ? null : long.Parse(etag, CultureInfo.InvariantCulture);

    private async Task<InconsistentStateException> ConflictAsync(string stateName, GrainId grainId, string? etag,
        CancellationToken cancellationToken)
    {
        var stored = await database.RunAsync(connection => connection.QuerySingleOrDefaultAsync<string?>(new CommandDefinition(
            "SELECT version::text FROM grain_state WHERE name = @stateName AND grain = @grain",
            new { stateName, grain = grainId.ToString() }, cancellationToken: cancellationToken)), cancellationToken);
        return new InconsistentStateException($"State {stateName} of {grainId} was written by somebody else.", stored, etag);
    }

    private sealed class Row
    {
        public long Version { get; init; }

        public string Json { get; init; } = "";
    }
}
