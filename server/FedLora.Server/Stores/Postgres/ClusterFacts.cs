using Dapper;

namespace FedLora.Server.Stores.Postgres;

/// <summary>
/// What all coordinators of a cluster must have in common, by its hash: the authority whose certificates they take, and the tokens. The
/// secrets themselves are in their data folders alone.
/// </summary>
internal static class ClusterFacts
{
    /// <summary>Looks before anything is made: a data folder that lacks what the cluster has must get it, not make another.</summary>
    /// <param name="database">The cluster's.</param>
    /// <param name="name">E.g. <c>authority</c>.</param>
    /// <param name="own">The hash of what the data folder has; null if it has none.</param>
    /// <exception cref="FedLoraException"><c>cluster-other</c>.</exception>
    internal static void Check(PostgresDatabase database, string name, string? own)
    {
        using var connection = database.Source.OpenConnection();
        if (connection.QuerySingleOrDefault<string>("SELECT value FROM cluster_fact WHERE name = @name", new { name }) is { } known
            && known != own)
            throw Other(name, own);
    }

    /// <summary>States it, where no other coordinator has yet.</summary>
    /// <exception cref="FedLoraException"><c>cluster-other</c>: one has, and said something else.</exception>
    internal static void Agree(PostgresDatabase database, string name, string own)
    {
        using (var connection = database.Source.OpenConnection())
            connection.Execute("INSERT INTO cluster_fact (name, value) VALUES (@name, @own) ON CONFLICT DO NOTHING", new { name, own });
        Check(database, name, own);
    }

    private static FedLoraException Other(string name, string? own) => new("cluster-other",
        own is null ? $"this data folder has not the cluster's {name}" : $"this data folder has another {name} than the cluster",
        "copy authority.pem, authority.key, operator.token and auditor.token, those that are there, from the data folder of another "
            + "coordinator of the cluster");
}
