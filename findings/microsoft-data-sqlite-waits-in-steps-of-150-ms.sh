#!/usr/bin/env bash
# Microsoft.Data.Sqlite 10.0.14: a command that meets a locked database sleeps 150 ms before it looks again, however short the lock.
#
# Expected: SQLite's own busy handler (sqlite3_busy_timeout), which looks again after 1, 2, 5, 10, ... ms, so that a lock of a few
# milliseconds costs about as many.
# Seen: the provider leaves that handler off and sleeps on its own, in steps of 150 ms: a write that meets another one's lock of 10 ms takes
# more than 150. Connections of one process that write often wait for each other far longer than they write; taking turns in the process
# costs what the writes take.
# Ends with 0 while this is so, and with 1 when a version waits less than 100 ms.
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
using System.Diagnostics;
using Microsoft.Data.Sqlite;

SQLitePCL.Batteries_V2.Init();
var text = new SqliteConnectionStringBuilder { DataSource = Path.Combine(Directory.GetCurrentDirectory(), "t.db") }.ToString();
using var holder = Open();
Run(holder, "PRAGMA journal_mode = WAL");
Run(holder, "CREATE TABLE t (a)");
using var writer = Open();
var waits = new List<double>();
for (var turn = 0; turn < 5; turn++)
{
    Run(holder, "BEGIN IMMEDIATE");
    var release = new Thread(() =>
    {
        Thread.Sleep(10);
        Run(holder, "COMMIT");
    });
    var start = Stopwatch.GetTimestamp();
    release.Start();
    Run(writer, "INSERT INTO t VALUES (1)");
    waits.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    release.Join();
}

waits.Sort();
Console.WriteLine($"a write that met a lock of 10 ms took {string.Join(", ", waits.Select(wait => $"{wait:f0}"))} ms");
return waits[0] >= 140 ? 0 : 1;

SqliteConnection Open()
{
    var connection = new SqliteConnection(text);
    connection.Open();
    return connection;
}

void Run(SqliteConnection connection, string sql)
{
    using var command = connection.CreateCommand();
    command.CommandText = sql;
    command.ExecuteNonQuery();
}
EOF
timeout 300 dotnet run --project probe.csproj
