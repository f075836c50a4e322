using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FedLora.Server.Authentication;
using FedLora.Server.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Certificates;

/// <summary>
/// The operator who may read the data folder: key and certificate in <c>operator.pem</c>, for its owner only, which
/// <c>fedlora admin --data</c> shows. The key is made at each start; its certificate is renewed here, as a node renews its own.
/// </summary>
internal sealed class LocalOperator(Lazy<CertificateAuthority> authority, IOptions<ServerOptions> options, DataFolder folder,
    IGrainFactory grains, TimeProvider time, ILogger<LocalOperator> logger) : BackgroundService
{
    /// <summary>From one certificate to the next.</summary>
    internal static readonly TimeSpan Every = CertificateAuthority.PeerLifetime / 2;

    /// <summary>Until it is tried again after a failure.</summary>
    internal static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>Key and certificate in a data folder.</summary>
    internal static string FileOf(string root) => Path.Combine(root, "operator.pem");

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // Without TLS the operator's token is what counts.
        if (!options.Value.IsSecure)
            return;
        await IssueAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        File.Delete(FileOf(folder.Root));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = Every;
        while (true)
        {
            await Task.Delay(pause, time, stoppingToken);
            try
            {
                await IssueAsync(stoppingToken);
                pause = Every;
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                // The one that is there holds as long again.
                logger.NotRenewed(error);
                pause = Pause;
            }
        }
    }

    public override void Dispose()
    {
        _key.Dispose();
        base.Dispose();
    }

    private async Task IssueAsync(CancellationToken cancellationToken)
    {
        var key = new PublicKey(_key);
        var entry = new AccessEntry { Id = LocalId(), Name = "local", Role = Roles.Operator, KeyHash = Requests.Hash(key) };
        await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).KeepAsync(entry, cancellationToken);
        using var certificate = authority.Value.Issue(key, entry.Id, Roles.Operator, CertificateAuthority.PeerLifetime);
        AtomicFile.WriteSecret(FileOf(folder.Root), $"{_key.ExportPkcs8PrivateKeyPem()}\n{certificate.ExportCertificatePem()}\n");
    }

    // One for each data folder, from start to start: what an earlier start's key could do ends with it.
    private string LocalId()
    {
        var file = Path.Combine(folder.Root, "operator.id");
        if (!File.Exists(file))
            AtomicFile.Write(file, Guid.NewGuid().ToString("N") + "\n");
        return File.ReadAllText(file).Trim();
    }
}
