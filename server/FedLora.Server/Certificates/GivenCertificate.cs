using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FedLora.Server.Hosting;

namespace FedLora.Server.Certificates;

/// <summary>A certificate that the coordinator was given to show, with those between it and its authority.</summary>
/// <param name="Leaf">The first of the file, with its key.</param>
/// <param name="Context">What a handshake sends: it and the rest of the file. Whoever connects needs no more than the root.</param>
/// <param name="Hash">SHA-256 (hex) of both files.</param>
internal sealed record GivenCertificate(X509Certificate2 Leaf, SslStreamCertificateContext Context, string Hash)
{
    /// <summary>Reads it; null where none is given.</summary>
    /// <param name="options">Names it.</param>
    /// <param name="authority">Whose certificates callers are asked for.</param>
    /// <exception cref="FedLoraException"><c>certificate-invalid</c>.</exception>
    internal static GivenCertificate? Load(ServerOptions options, Lazy<CertificateAuthority> authority)
    {
        if (options.Certificate is not { } file)
            return null;
        try
        {
            var (pem, key) = (File.ReadAllText(file), File.ReadAllText(options.CertificateKey!));
            var leaf = X509Certificate2.CreateFromPem(pem, key);
            var above = new X509Certificate2Collection();
            above.ImportFromPem(pem);
            above.RemoveAt(0);
            // Offline: what a certificate names for download is never fetched.
            return new GivenCertificate(leaf, SslStreamCertificateContext.Create(leaf, above, offline: true,
                ServerCertificate.Asked(authority)), HashOf(pem, key));
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new FedLoraException("certificate-invalid", $"the certificate {file} cannot be used: {error.Message}",
                "give a PEM certificate with --certificate and its unencrypted key with --certificate-key", error);
        }
    }

    /// <summary>What <see cref="Hash"/> would be now; null where the files cannot be read.</summary>
    internal static string? HashNow(ServerOptions options)
    {
        try
        {
            return HashOf(File.ReadAllText(options.Certificate!), File.ReadAllText(options.CertificateKey!));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string HashOf(string pem, string key) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{pem}\0{key}")));
}
