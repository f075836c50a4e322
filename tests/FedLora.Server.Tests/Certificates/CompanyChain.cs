using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FedLora.Server.Tests.Certificates;

/// <summary>A company's authority, one between, and certificates for its coordinator, as files of PEM.</summary>
internal sealed class CompanyChain : IDisposable
{
    private readonly X509Certificate2 _between;

    internal CompanyChain()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UtcNow;
        Root = Authority("CN=company root", rootKey).CreateSelfSigned(now.AddDays(-2), now.AddDays(30));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signed = Authority("CN=company between", key).Create(Root, now.AddDays(-1), now.AddDays(20), [1]);
        _between = signed.CopyWithPrivateKey(key);
    }

    /// <summary>What its machines trust.</summary>
    internal X509Certificate2 Root { get; }

    /// <summary>Writes a new certificate for localhost, with the one between behind it, and its key.</summary>
    /// <returns>Its serial number.</returns>
    internal string Write(string certificateFile, string keyFile)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=coordinator", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.Create(_between, now.AddHours(-1), now.AddDays(10), RandomNumberGenerator.GetBytes(8));
        AtomicFile.WriteSecret(keyFile, key.ExportPkcs8PrivateKeyPem() + "\n");
        AtomicFile.Write(certificateFile, $"{certificate.ExportCertificatePem()}\n{_between.ExportCertificatePem()}\n");
        return certificate.SerialNumber;
    }

    public void Dispose()
    {
        Root.Dispose();
        _between.Dispose();
    }

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request;
    }
}
