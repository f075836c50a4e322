using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FedLora.Server.Authentication;

namespace FedLora.Server.Certificates;

/// <summary>
/// The coordinator's own certificate authority: one P-256 key, made at the first start and kept in the data folder (<c>authority.key</c>,
/// for its owner only), which signs the certificates of nodes, operators, auditors and of the coordinator itself. Whoever trusts it trusts
/// this coordinator and no other.
/// </summary>
public sealed class CertificateAuthority : IDisposable
{
    /// <summary>How long a caller's certificate holds; it is renewed when half of it is over.</summary>
    public static readonly TimeSpan PeerLifetime = TimeSpan.FromDays(7);

    /// <summary>Days that one of an operator or auditor holds at most, where it is asked for longer: browsers renew none.</summary>
    public const int MostDays = 366;

    /// <summary>How long the coordinator's own holds; a new one is made at each start, and when half of it is over.</summary>
    internal static readonly TimeSpan ServerLifetime = TimeSpan.FromDays(90);

    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    internal const string ClientUse = "1.3.6.1.5.5.7.3.2";
    // A peer whose clock is a day slow, or two, must not take a new certificate for one of the future.
    private static readonly TimeSpan Slack = TimeSpan.FromDays(2);
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(3650);
    private readonly TimeProvider _time;

    private CertificateAuthority(X509Certificate2 certificate, TimeProvider time) =>
        (Certificate, Fingerprint, _time) = (certificate, Convert.ToHexStringLower(SHA256.HashData(certificate.RawData)), time);

    /// <summary>The authority's own certificate, with its key.</summary>
    internal X509Certificate2 Certificate { get; }

    /// <summary>SHA-256 of the certificate, 64 hex digits: what join tokens pin.</summary>
    public string Fingerprint { get; }

    /// <summary>The authority's certificate in a data folder.</summary>
    public static string FileOf(string root) => Path.Combine(root, "authority.pem");

    /// <summary>The fingerprint of a data folder's authority; null where there is none.</summary>
    internal static string? FingerprintOf(string root, TimeProvider time)
    {
        if (!File.Exists(FileOf(root)))
            return null;
        using var authority = Ensure(root, time);
        return authority.Fingerprint;
    }

    /// <summary>Its key.</summary>
    public static string KeyFileOf(string root) => Path.Combine(root, "authority.key");

    /// <summary>Reads the authority, making it at the first start.</summary>
    /// <exception cref="FedLoraException"><c>authority-invalid</c>: one of its files is missing or damaged.</exception>
    public static CertificateAuthority Ensure(string root, TimeProvider time)
    {
        var (file, keyFile) = (FileOf(root), KeyFileOf(root));
        if (!File.Exists(file) && !File.Exists(keyFile))
            Make(file, keyFile, time);
        try
        {
            return new CertificateAuthority(X509Certificate2.CreateFromPemFile(file, keyFile), time);
        }
        catch (Exception error) when (error is CryptographicException or IOException or ArgumentException)
        {
            throw new FedLoraException("authority-invalid", $"the coordinator's authority in {root} cannot be read: {error.Message}",
                "put authority.pem and authority.key of a backup there; if both are lost, delete what is left and let all nodes join again",
                error);
        }
    }

    /// <summary>A certificate for whoever holds the key.</summary>
    /// <param name="key">DER SubjectPublicKeyInfo.</param>
    /// <param name="id">32 hex digits: the identity.</param>
    /// <param name="role">One of <see cref="Roles"/>.</param>
    /// <param name="lifetime">How long it holds.</param>
    internal X509Certificate2 Issue(PublicKey key, string id, string role, TimeSpan lifetime) =>
        Sign(key, id, role, ClientUse, [], lifetime);

    /// <summary>A certificate for a server of this coordinator, with a new key.</summary>
    /// <param name="names">DNS names and addresses that it may be reached by.</param>
    internal X509Certificate2 IssueServer(IEnumerable<string> names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signed = Sign(new PublicKey(key), "coordinator", "server", ServerUse, names, ServerLifetime);
        return signed.CopyWithPrivateKey(key);
    }

    /// <inheritdoc/>
    public void Dispose() => Certificate.Dispose();

    private X509Certificate2 Sign(PublicKey key, string id, string role, string use, IEnumerable<string> names, TimeSpan lifetime)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddOrganizationName(role);
        subject.AddCommonName(id);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], critical: true));
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, includeKeyIdentifier: true,
                includeIssuerAndSerial: false));
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (System.Net.IPAddress.TryParse(name, out var address))
                alternatives.AddIpAddress(address);
            else
                alternatives.AddDnsName(name);
        }
        if (use == ServerUse)
            request.CertificateExtensions.Add(alternatives.Build());
        var now = _time.GetUtcNow();
        var end = new DateTimeOffset(Math.Min((now + lifetime).UtcTicks, Certificate.NotAfter.ToUniversalTime().Ticks), TimeSpan.Zero);
        return request.Create(Certificate, now - Slack, end, RandomNumberGenerator.GetBytes(16));
    }

    private static void Make(string file, string keyFile, TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=FedLora coordinator {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}", key,
            HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = time.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now - Slack, now + Lifetime);
        // The key first: a certificate without key would be an authority that is lost, a key without certificate has signed nothing yet.
        AtomicFile.WriteSecret(keyFile, key.ExportPkcs8PrivateKeyPem() + "\n");
        AtomicFile.Write(file, certificate.ExportCertificatePem() + "\n");
    }
}
