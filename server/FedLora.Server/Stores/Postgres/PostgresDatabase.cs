using Dapper;
using Npgsql;

namespace FedLora.Server.Stores.Postgres;

/// <summary>One PostgreSQL database: its pool, its schema, and what its failures are to a caller.</summary>
public sealed class PostgresDatabase : IDisposable, IAsyncDisposable
{
    private const string DiskFull = "53100";
    // Of all who bring the schema up to date one does, and the others wait for it.
    private const long MigrationLock = 0x6665_646c_6f72_61;
    private const int WaitSeconds = 15;
    private const int StatementsPrepared = 40;
    private const int Connections = 25;

    private PostgresDatabase(NpgsqlDataSource source) => Source = source;

    /// <summary>Its connections.</summary>
    internal NpgsqlDataSource Source { get; }

    /// <summary>Opens the database and brings its schema up to date.</summary>
    /// <param name="connection">E.g. <c>Host=db;Database=fedlora;Username=fedlora;Password=...</c>.</param>
    /// <exception cref="FedLoraException"><c>postgres-invalid</c>, <c>postgres-unreachable</c>, <c>postgres-newer</c>.</exception>
    public static PostgresDatabase Open(string connection)
    {
        NpgsqlDataSource source;
        try
        {
            source = NpgsqlDataSource.Create(Settings(connection));
        }
        catch (Exception error) when (error is ArgumentException or FormatException)
        {
            // What the library says of it repeats a part of it, which may be the password.
            throw new FedLoraException("postgres-invalid", "the connection to PostgreSQL cannot be read: it has a part that is not "
                + "KEY=VALUE, or a key or value that PostgreSQL's library does not know",
                "write it as 'Host=HOST;Database=NAME;Username=USER'; a password may come from PGPASSWORD", error);
        }
        try
        {
            Migrate(source);
            return new PostgresDatabase(source);
        }
        catch (NpgsqlException error)
        {
            source.Dispose();
            throw new FedLoraException("postgres-unreachable", $"PostgreSQL cannot be used: {error.Message.ReplaceLineEndings(" ")}",
                "check the address, that the server runs, and that the user may create tables", error);
        }
    }

    /// <summary>Runs something on a connection of its own.</summary>
    /// <exception cref="RefusedException"><c>disk-full</c>, <c>database-away</c>.</exception>
    public async Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> action, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await Source.OpenConnectionAsync(cancellationToken);
            return await action(connection);
        }
        catch (NpgsqlException error)
        {
            throw Refusal(error);
        }
    }

    /// <summary>The same in one transaction: all of it or nothing.</summary>
    /// <exception cref="RefusedException"><c>disk-full</c>, <c>database-away</c>.</exception>
    public Task<T> TransactAsync<T>(Func<NpgsqlConnection, Task<T>> action, CancellationToken cancellationToken) =>
        RunAsync(async connection =>
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var result = await action(connection);
            await transaction.CommitAsync(cancellationToken);
            return result;
        }, cancellationToken);

    /// <summary>What a failure is to a caller; an error of our own SQL stays what it is.</summary>
    internal static Exception Refusal(NpgsqlException error) => error switch
    {
        PostgresException { SqlState: DiskFull } =>
            new RefusedException(RefusalCodes.DiskFull, "The disk of the coordinator's database is full; nothing was written.",
                "Free some space there."),
        PostgresException { IsTransient: false } => error,
        _ => new RefusedException(RefusalCodes.DatabaseAway,
            $"The coordinator's database does not answer now ({error.Message.ReplaceLineEndings(" ")}); nothing was written.",
            "Try again; look at the database if it stays so."),
    };

    /// <inheritdoc/>
    public void Dispose() => Source.Dispose();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Source.DisposeAsync();

    /// <summary>A connection as it is used: what it says itself, and for all else what suits this program.</summary>
    internal static NpgsqlConnectionStringBuilder Settings(string connection)
    {
        var settings = new NpgsqlConnectionStringBuilder(connection);
        // Every wait is bounded: for a connection, and for an answer.
        (settings.Timeout, settings.CommandTimeout) = (Math.Min(settings.Timeout, WaitSeconds),
            Math.Min(settings.CommandTimeout, WaitSeconds));
        // The same few statements by their keys again and again: each is planned once for a connection, and leaves nothing behind that
        // would have to be undone for the next.
        if (!settings.ShouldSerialize("Max Auto Prepare"))
            settings.MaxAutoPrepare = StatementsPrepared;
        if (!settings.ShouldSerialize("No Reset On Close"))
            settings.NoResetOnClose = true;
        if (settings.MaxAutoPrepare > 0 && !settings.ShouldSerialize("Options"))
            settings.Options = "-c plan_cache_mode=force_generic_plan";
        // A database lets in a hundred unless told otherwise, and a cluster has several coordinators.
        if (!settings.ShouldSerialize("Maximum Pool Size"))
            settings.MaxPoolSize = Connections;
        return settings;
    }

    private static void Migrate(NpgsqlDataSource source)
    {
        using var connection = source.OpenConnection();
        using var transaction = connection.BeginTransaction();
        connection.Execute($"SELECT pg_advisory_xact_lock({MigrationLock})");
        connection.Execute(
            "CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())");
        var applied = connection.ExecuteScalar<int?>("SELECT max(version) FROM schema_version") ?? 0;
        var steps = Steps();
        if (applied > steps.Count)
            throw new FedLoraException("postgres-newer", $"the database has schema {applied}, this program knows {steps.Count}",
                "start a newer version of this program");
        for (var step = applied; step < steps.Count; step++)
        {
            connection.Execute(steps[step]);
            connection.Execute("INSERT INTO schema_version (version) VALUES (@version)", new { version = step + 1 });
        }
        transaction.Commit();
    }

    // In the order of their names, which begin with their numbers.
    private static List<string> Steps()
    {
        var assembly = typeof(PostgresDatabase).Assembly;
        return [.. assembly.GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                return reader.ReadToEnd();
            })];
    }
}
