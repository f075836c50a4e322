using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using FedLora.Server.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace FedLora.Server.Certificates;

/// <summary>
/// What the coordinator shows to whoever connects: the certificate that it was given, as the file is now, or one of its own authority, made
/// anew in time.
/// </summary>
internal sealed class ServerCertificate(ServerOptions options, Lazy<CertificateAuthority> authority, TimeProvider time)
{
    private readonly Lock _one = new();
    private volatile GivenCertificate? _given = GivenCertificate.Load(options, authority);
    private SslStreamCertificateContext? _made;

    /// <summary>
    /// Whose certificates callers are asked for: a browser then asks nobody who has none of these, and offers no others. Null where the
    /// system's TLS cannot say it.
    /// </summary>
    internal static SslCertificateTrust? Asked(Lazy<CertificateAuthority> authority) =>
        OperatingSystem.IsLinux() || OperatingSystem.IsMacOS()
            ? SslCertificateTrust.CreateForX509Collection([authority.Value.Certificate], sendTrustInHandshake: true) : null;

    /// <summary>The one that it was given; null: what it shows is of its own authority.</summary>
    internal X509Certificate2? Given => _given?.Leaf;

    /// <summary>
    /// As Kestrel takes it: TLS 1.3; any client certificate, or none, since a refusal in the handshake reaches a caller as a broken
    /// connection without a reason. Who calls is decided per call.
    /// </summary>
    internal void Configure(HttpsConnectionAdapterOptions https)
    {
        https.SslProtocols = System.Security.Authentication.SslProtocols.Tls13;
        // Kestrel asks for one; what is sent is the context below, which has the chain too.
        https.ServerCertificateSelector = (_, _) => Current().TargetCertificate;
        https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
        https.ClientCertificateValidation = (_, _, _) => true;
        https.OnAuthenticate = (_, ssl) =>
        {
            (ssl.ServerCertificateContext, ssl.ServerCertificateSelectionCallback) = (Current(), null);
            // A resumed session would have the identity of an earlier handshake.
            ssl.AllowTlsResume = false;
        };
    }

    /// <summary>Reads the given certificate again where its files have changed; new connections are shown it.</summary>
    /// <returns>Whether it is another now.</returns>
    /// <exception cref="FedLoraException"><c>certificate-invalid</c>: the one of before stays.</exception>
    internal bool Reload()
    {
        if (_given is not { } before || GivenCertificate.HashNow(options) == before.Hash)
            return false;
        _given = GivenCertificate.Load(options, authority);
        return true;
    }

    private SslStreamCertificateContext Current()
    {
        if (_given is { } given)
            return given.Context;
        lock (_one)
        {
            if (_made is null || time.GetUtcNow().UtcDateTime
                > _made.TargetCertificate.NotAfter.ToUniversalTime() - (CertificateAuthority.ServerLifetime / 2))
                _made = SslStreamCertificateContext.Create(authority.Value.IssueServer(Names()), null, offline: true, Asked(authority));
            return _made;
        }
    }

    private IEnumerable<string> Names()
    {
        var host = new Uri(options.Listen).Host.Trim('[', ']');
        return new[] { "localhost", "127.0.0.1", "::1", Dns.GetHostName(), host }.Distinct(StringComparer.OrdinalIgnoreCase);
    }
}
