using System.Security.Cryptography.X509Certificates;
using System.Text;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Who a client certificate says the caller is: its subject alternative names, else its common name.</summary>
internal static class PeerCertificate
{
    private const string AlternativeName = "x509_subject_alternative_name";
    private const string CommonName = "x509_common_name";

    public static AuthContext ToAuthContext(X509Certificate2? certificate)
    {
        var properties = new Dictionary<string, List<AuthProperty>>(StringComparer.Ordinal);
        if (certificate is null) return new AuthContext(null, properties);
        var alternative = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(extension => extension.EnumerateDnsNames()).ToArray();
        if (alternative.Length > 0) properties[AlternativeName] = [.. alternative.Select(name => Property(AlternativeName, name))];
        var common = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        if (common.Length > 0) properties[CommonName] = [Property(CommonName, common)];
        var identity = properties.ContainsKey(AlternativeName) ? AlternativeName : properties.ContainsKey(CommonName) ? CommonName : null;
        return new AuthContext(identity, properties);
    }

    private static AuthProperty Property(string name, string value) => AuthProperty.Create(name, Encoding.UTF8.GetBytes(value));
}
