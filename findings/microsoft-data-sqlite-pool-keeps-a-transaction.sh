#!/usr/bin/env bash
# Microsoft.Data.Sqlite 10.0.14: the connection pool hands a connection out again with the transaction that was begun on it by SQL.
#
# Expected: closing a connection ends what was begun on it, as other ADO.NET providers' pools do; a transaction of BeginTransaction is rolled
# back too.
# Seen: after "BEGIN; INSERT ..." as SQL and Dispose, the next SqliteConnection with the same connection string is inside that transaction: it
# sees the row that was never committed, "PRAGMA synchronous" fails with "Safety level may not be changed inside a transaction", and
# everybody else waits for a lock that nobody holds on purpose. With Pooling=False the row is gone.
# Ends with 0 while this is so, and with 1 when a version rolls it back.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
cat >probe.csproj <<'EOF'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
  <ItemGroup><PackageReference Include="Microsoft.Data.Sqlite.Core" Version="10.0.14" /><PackageReference Include="SQLitePCLRaw.bundle_e_sqlite3" Version="3.0.5" /></ItemGroup>
</Project>
EOF
cat >Probe.cs <<'EOF'
using Microsoft.Data.Sqlite;

SQLitePCL.Batteries_V2.Init();
long Rows(bool pooling)
{
    var path = Path.Combine(Directory.GetCurrentDirectory(), $"{(pooling ? "pooled" : "single")}.db");
    var text = new SqliteConnectionStringBuilder { DataSource = path, Pooling = pooling }.ToString();
    using (var first = new SqliteConnection(text))
    {
        first.Open();
        Run(first, "CREATE TABLE t (a)");
        Run(first, "BEGIN; INSERT INTO t VALUES (1)");
    }

    using var second = new SqliteConnection(text);
    second.Open();
    try
    {
        Run(second, "PRAGMA synchronous = FULL");
        Console.WriteLine($"pooling {pooling}: PRAGMA synchronous works");
    }
    catch (SqliteException error)
    {
        Console.WriteLine($"pooling {pooling}: {error.Message}");
    }

    using var count = second.CreateCommand();
    count.CommandText = "SELECT COUNT(*) FROM t";
    return (long)count.ExecuteScalar()!;
}

void Run(SqliteConnection connection, string sql)
{
    using var command = connection.CreateCommand();
    command.CommandText = sql;
    command.ExecuteNonQuery();
}

var (pooled, single) = (Rows(pooling: true), Rows(pooling: false));
Console.WriteLine($"rows that were never committed, seen by the next connection: {pooled} with the pool, {single} without");
return pooled == 1 && single == 0 ? 0 : 1;
EOF
timeout 300 dotnet run --project probe.csproj
