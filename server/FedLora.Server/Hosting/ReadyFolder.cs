using FedLora.Core.Audit;
using FedLora.Server.Authentication;
using FedLora.Server.Backups;
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
        {
            RequireState(root);
            _ = services.GetRequiredService<SqliteDatabase>();
        }
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

    // Adapters are never the first thing in a folder: a coordinator that began anew would take them for nobody's, and drop them.
    private static void RequireState(string root)
    {
        var (state, blobs) = (Path.Combine(root, BackupManifest.StateFile), Path.Combine(root, "blobs"));
        if (!File.Exists(state) && Directory.Exists(blobs) && Directory.EnumerateFiles(blobs, "*", SearchOption.AllDirectories).Any())
            throw new FedLoraException("state-missing",
                $"the coordinator's state {state} is missing, while what it speaks of is in {blobs}",
                "put a backup's in its place, or start a new coordinator with another --data folder");
    }

    private static void Join(PostgresDatabase cluster, string root, ServerOptions options, TimeProvider time)
    {
        ClusterFacts.Check(cluster, "tokens", AccessTokens.Fingerprint(root));
        if (options.IsSecure)
            ClusterFacts.Check(cluster, "authority", CertificateAuthority.FingerprintOf(root, time));
    }
}
