using System.CommandLine;

namespace FedLora.Cli.Commands;

/// <summary>Where a coordinator's state is in PostgreSQL; from the environment too, since command lines are public.</summary>
internal static class PostgresOption
{
    private const string Variable = "FEDLORA_POSTGRES";

    internal static Option<string?> Create(string what) => new("--postgres")
    {
        Description = $"{what}, e.g. 'Host=db;Database=fedlora;Username=fedlora'; also in {Variable}. The password from PGPASSWORD or "
            + "~/.pgpass.",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given ? given : null,
    };
}
