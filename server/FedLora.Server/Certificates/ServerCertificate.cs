using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FedLora.Server.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace FedLora.Server.Certificates;

/// <summary>
/// What the coordinator shows to whoever connects: the certificate that it was given, or one of its own authority, made anew in time.
/// </summary>
internal sealed class ServerCertificate(ServerOptions options, Lazy<CertificateAuthority> authority, TimeProvider time)
{
    private readonly Lock _one = new();
    private readonly X509Certificate2? _given = Load(options);
    private X509Certificate2? _made;

    /// <summary>The one that it was given; null: what it shows is of its own authority.</summary>
    internal X509Certificate2? Given => _given;

    /// <summary>
    /// As Kestrel takes it: TLS 1.3; any client certificate, or none, since a refusal in the handshake reaches a caller as a broken
    /// connection without a reason. Who calls is decided per call.
    /// </summary>
    internal void Configure(HttpsConnectionAdapterOptions https)
    {
        https.SslProtocols = System.Security.Authentication.SslProtocols.Tls13;
        https.ServerCertificateSelector = (_, _) => Current();
        https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
        https.ClientCertificateValidation = (_, _, _) => true;
        https.HandshakeTimeout = TimeSpan.FromSeconds(10);
        // A resumed session would have the identity of an earlier handshake.
        https.OnAuthenticate = (_, ssl) => ssl.AllowTlsResume = false;
    }

    private X509Certificate2 Current()
    {
        if (_given is not null)
            return _given;
        lock (_one)
        {
            if (_made is null
                || time.GetUtcNow().UtcDateTime > _made.NotAfter.ToUniversalTime() - (CertificateAuthority.ServerLifetime / 2))
                _made = authority.Value.IssueServer(Names());
            return _made;
        }
    }

    private IEnumerable<string> Names()
    {
        var host = new Uri(options.Listen).Host.Trim('[', ']');
        return new[] { "localhost", "127.0.0.1", "::1", Dns.GetHostName(), host }.Distinct(StringComparer.OrdinalIgnoreCase);
    }

    private static X509Certificate2? Load(ServerOptions options)
    {
        if (options.Certificate is not { } file)
            return null;
        try
        {
            return X509Certificate2.CreateFromPemFile(file, options.CertificateKey);
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new FedLoraException("certificate-invalid", $"the certificate {file} cannot be used: {error.Message}",
                "give a PEM certificate with --certificate and its unencrypted key with --certificate-key", error);
        }
    }
}
