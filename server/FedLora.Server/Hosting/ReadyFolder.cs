using FedLora.Core.Audit;
using FedLora.Server.Authentication;
using FedLora.Server.Certificates;
using FedLora.Server.Stores;
using FedLora.Server.Stores.Postgres;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Hosting;

/// <summary>
/// Looks at all that a coordinator needs before it starts: no silo starts on a folder that another holds, with an unusable token, or on a
/// damaged database; and nothing is made before that.
/// </summary>
internal static class ReadyFolder
{
    internal static void Require(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<ServerOptions>>().Value;
        StateElsewhere.Require(Path.GetFullPath(options.Data), options.Postgres);
        var cluster = options.Postgres is null ? null : services.GetRequiredService<PostgresDatabase>();
        var root = services.GetRequiredService<DataFolder>().Root;
        AccessTokens.Check(root);
        if (cluster is null)
            _ = services.GetRequiredService<SqliteDatabase>();
        else
            Join(cluster, root, options, services.GetRequiredService<TimeProvider>());
        _ = services.GetRequiredService<AuditLog>();
        _ = services.GetRequiredService<AccessTokens>();
        _ = services.GetRequiredService<ServerCertificate>();
        if (options.IsSecure)
            _ = services.GetRequiredService<CertificateAuthority>();
        if (cluster is null)
            return;
        ClusterFacts.Agree(cluster, "tokens", AccessTokens.Fingerprint(root)!);
        if (options.IsSecure)
            ClusterFacts.Agree(cluster, "authority", services.GetRequiredService<CertificateAuthority>().Fingerprint);
        StateElsewhere.Note(root, options.Postgres!);
    }

    private static void Join(PostgresDatabase cluster, string root, ServerOptions options, TimeProvider time)
    {
        ClusterFacts.Check(cluster, "tokens", AccessTokens.Fingerprint(root));
        if (options.IsSecure)
            ClusterFacts.Check(cluster, "authority", CertificateAuthority.FingerprintOf(root, time));
    }
}
