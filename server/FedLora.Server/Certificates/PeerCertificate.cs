using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FedLora.Server.Certificates;

/// <summary>Who a certificate says that its holder is.</summary>
/// <param name="Id">32 hex digits.</param>
/// <param name="Role">One of <see cref="Authentication.Roles"/>.</param>
/// <param name="KeyHash">SHA-256 (hex) of the public key.</param>
/// <param name="Ends">When it ends.</param>
internal sealed record PeerCertificate(string Id, string Role, string KeyHash, DateTimeOffset Ends);

/// <summary>
/// Reads certificates that this coordinator's authority has signed for callers. Of one connection the certificate is always the same, so it
/// is checked once.
/// </summary>
internal sealed class PeerCertificates(Lazy<CertificateAuthority> authority)
{
    private const string CommonName = "2.5.4.3";
    private const string Organization = "2.5.4.10";
    private readonly ConditionalWeakTable<X509Certificate2, StrongBox<PeerCertificate?>> _known = [];

    /// <exception cref="RefusedException"><c>certificate-foreign</c>: another authority's, for another use, or of a form that this
    /// coordinator does not sign.</exception>
    internal PeerCertificate Read(X509Certificate2 certificate) =>
        _known.GetValue(certificate, shown => new StrongBox<PeerCertificate?>(Check(shown))).Value
            ?? throw new RefusedException(RefusalCodes.CertificateForeign,
                "the certificate that the caller shows was not issued by this coordinator's authority",
                "is this the coordinator that it was enrolled at? To join this one, use a state folder of its own and a new join token");

    private PeerCertificate? Check(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.Add(authority.Value.Certificate);
        policy.RevocationMode = X509RevocationMode.NoCheck;
        // What a stranger's certificate names is never fetched.
        policy.DisableCertificateDownloads = true;
        policy.ApplicationPolicy.Add(new Oid(CertificateAuthority.ClientUse));
        // When it ends is looked at with every call.
        policy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        try
        {
            return chain.Build(certificate) && Named(certificate, CommonName) is { } id && Named(certificate, Organization) is { } role
                ? new PeerCertificate(id, role, Requests.Hash(certificate.PublicKey), new DateTimeOffset(certificate.NotAfter)) : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static string? Named(X509Certificate2 certificate, string type) => certificate.SubjectName.EnumerateRelativeDistinguishedNames()
        .Where(part => !part.HasMultipleElements && part.GetSingleElementType().Value == type).Select(part => part.GetSingleElementValue())
        .FirstOrDefault();
}
