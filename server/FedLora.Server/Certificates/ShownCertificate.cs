using System.Security.Cryptography.X509Certificates;
using FedLora.Server.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Certificates;

/// <summary>
/// Looks after the certificate that the coordinator was given to show: a file that was replaced is shown from then on, one that cannot be
/// used is not. In the data folder lies, in <c>coordinator.pem</c>, what is shown now: <c>fedlora admin --data</c> trusts that one alone.
/// </summary>
internal sealed class ShownCertificate(ServerCertificate certificate, IOptions<ServerOptions> options, DataFolder folder, TimeProvider time,
    ILogger<ShownCertificate> logger) : BackgroundService
{
    /// <summary>From one look at the files to the next.</summary>
    internal static readonly TimeSpan Every = TimeSpan.FromSeconds(30);

    private X509Certificate2? _kept;
    private string? _told;

    /// <summary>What the coordinator of a data folder was given to show; nothing is there where it shows one of its authority.</summary>
    internal static string FileOf(string root) => Path.Combine(root, "coordinator.pem");

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // One that a killed start has left says nothing of this one.
        File.Delete(FileOf(folder.Root));
        if (!options.Value.IsSecure || certificate.Given is null)
            return;
        Keep();
        await base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        File.Delete(FileOf(folder.Root));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await Task.Delay(Every, time, stoppingToken);
            Look();
        }
    }

    /// <summary>One look.</summary>
    internal void Look()
    {
        try
        {
            if (certificate.Reload())
                logger.Reloaded(options.Value.Certificate!, certificate.Given!.NotAfter.ToUniversalTime());
            if (_kept != certificate.Given)
                Keep();
            _told = null;
        }
        catch (Exception error) when (error is FedLoraException or IOException or UnauthorizedAccessException)
        {
            // Once for what is wrong; certificate and key are seldom replaced in the same moment, so the next look may find them right.
            if (_told == error.Message)
                return;
            _told = error.Message;
            logger.NotReloaded(error.Message, certificate.Given!.NotAfter.ToUniversalTime());
        }
    }

    private void Keep()
    {
        var shown = certificate.Given!;
        AtomicFile.Write(FileOf(folder.Root), shown.ExportCertificatePem() + "\n");
        _kept = shown;
    }
}
