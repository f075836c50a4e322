using Microsoft.AspNetCore.Http;

namespace FedLora.Server.Authentication;

/// <summary>Who calls, by the certificate of the connection.</summary>
public interface ICertificateHolders
{
    /// <summary>The holder of a connection's certificate. Signature and use are checked once for each connection, end and revocation at
    /// every call of this.</summary>
    /// <param name="http">A call over TLS.</param>
    /// <param name="cancellationToken">The caller has gone.</param>
    /// <exception cref="RefusedException"><c>certificate-missing</c>, <c>certificate-foreign</c>, <c>certificate-expired</c>,
    /// <c>node-revoked</c>, <c>node-unknown</c>, <c>access-revoked</c>, <c>access-unknown</c>.</exception>
    Task<CertificateHolder> IdentifyAsync(HttpContext http, CancellationToken cancellationToken);
}

/// <summary>Who holds a certificate of this coordinator's authority.</summary>
/// <param name="Id">32 hex digits: the certificate's subject.</param>
/// <param name="Name">As people call an operator or auditor; a node's is its id.</param>
/// <param name="Role">One of <see cref="Roles"/>.</param>
public sealed record CertificateHolder(string Id, string Name, string Role);
