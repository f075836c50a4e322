#!/usr/bin/env bash
# Npgsql 10.0.3: NpgsqlConnectionStringBuilder.ContainsKey is true for every keyword that Npgsql knows, whether the connection string gives it
# or not, so that "if (!builder.ContainsKey(key)) builder.Value = ours" never sets a default.
#
# Expected: as with DbConnectionStringBuilder itself, ContainsKey tells what the string gives, so that a program can put its own default where
# the user has said nothing.
# Seen: for "Host=db", ContainsKey("Max Auto Prepare") is true, its value is the library's 0, and Keys has "Host" alone. ShouldSerialize
# tells what was given: false before, true for "Host=db;Max Auto Prepare=0". In a load test a pool that was meant to prepare its statements
# and to leave out DISCARD ALL did neither, with no error.
# Ends with 0 while this is so, and with 1 when a version changes it.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
cat >probe.csproj <<'EOF'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
  <ItemGroup><PackageReference Include="Npgsql" Version="10.0.3" /></ItemGroup>
</Project>
EOF
cat >Probe.cs <<'EOF'
using System.Data.Common;
using Npgsql;

const string Key = "Max Auto Prepare";
var given = "Host=db;Max Auto Prepare=0";
var (plain, silent, spoken) = (new DbConnectionStringBuilder { ConnectionString = "Host=db" }, new NpgsqlConnectionStringBuilder("Host=db"),
    new NpgsqlConnectionStringBuilder(given));
Console.WriteLine($"Host=db: DbConnectionStringBuilder.ContainsKey {plain.ContainsKey(Key)}, Npgsql's {silent.ContainsKey(Key)}, Keys "
    + $"{string.Join(", ", silent.Keys)}, ShouldSerialize {silent.ShouldSerialize(Key)}");
Console.WriteLine($"{given}: Npgsql's ContainsKey {spoken.ContainsKey(Key)}, ShouldSerialize {spoken.ShouldSerialize(Key)}");
return !plain.ContainsKey(Key) && silent.ContainsKey(Key) && silent.Keys is { Count: 1 } && !silent.ShouldSerialize(Key)
    && spoken.ShouldSerialize(Key) ? 0 : 1;
EOF
timeout 300 dotnet run --project probe.csproj
