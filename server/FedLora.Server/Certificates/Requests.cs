using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FedLora.Server.Certificates;

/// <summary>What a certificate request is taken for.</summary>
internal static class Requests
{
    private const int LargestRequest = 16 << 10;
    private const int ShortestRsa = 2048;

    /// <summary>The key of a request that is signed with it: nothing else of a request counts.</summary>
    /// <exception cref="RefusedException"><c>certificate-request</c>.</exception>
    internal static PublicKey Key(ReadOnlySpan<byte> pkcs10)
    {
        if (pkcs10.Length is 0 or > LargestRequest)
            throw Invalid($"it has {pkcs10.Length} bytes");
        try
        {
            // Checks the signature, which shows that the asker has the private key.
            var request = CertificateRequest.LoadSigningRequest(pkcs10.ToArray(), HashAlgorithmName.SHA256,
                CertificateRequestLoadOptions.Default);
            using var curve = request.PublicKey.GetECDsaPublicKey();
            using var rsa = request.PublicKey.GetRSAPublicKey();
            return curve is { KeySize: >= 256 } || rsa is { KeySize: >= ShortestRsa } ? request.PublicKey
                : throw Invalid("its key is neither an elliptic one of 256 bits nor RSA of 2048");
        }
        catch (Exception error) when (error is CryptographicException or NotSupportedException or ArgumentException)
        {
            throw Invalid(error.Message);
        }
    }

    /// <summary>SHA-256 (hex) of a key's SubjectPublicKeyInfo.</summary>
    internal static string Hash(PublicKey key) => Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));

    private static RefusedException Invalid(string why) =>
        new(RefusalCodes.CertificateRequest, $"the certificate request cannot be used: {why.ReplaceLineEndings(" ")}",
            "send a PKCS#10 request, signed with its own key");
}
