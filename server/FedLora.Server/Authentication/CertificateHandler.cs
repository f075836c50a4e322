using System.Text.Encodings.Web;
using FedLora.Server.Certificates;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Authentication;

/// <summary>
/// Callers by the certificate of their connection, over TLS. Signature and use are checked once for each connection, end and revocation at
/// every call. (ASP.NET's own handler of certificates does not tell a caller which of them failed, and what it caches outlives a
/// revocation.)
/// </summary>
internal sealed class CertificateHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder, IGrainFactory grains,
    PeerCertificates certificates)
    : CallerHandler(options, logging, encoder)
{
    /// <summary>
    /// What a node's grain keeps in the place of a secret's hash: the key that its certificates are for. No bearer can be of this form.
    /// </summary>
    internal static string NodeCredential(string keyHash) => $"key:{keyHash}";

    protected override bool IsForThis => Request.IsHttps;

    protected override async ValueTask<(string Name, string Role)> IdentifyAsync(CancellationToken cancellationToken)
    {
        var peer = Shown();
        if (peer.Ends <= TimeProvider.GetUtcNow())
        {
            throw new RefusedException(RefusalCodes.CertificateExpired,
                $"the caller's certificate ended at {peer.Ends:u}; the coordinator's clock says {TimeProvider.GetUtcNow():u}",
                "it is renewed by its key: start the program again, or look at both clocks");
        }
        return (peer.Id, await RoleAsync(peer, cancellationToken));
    }

    /// <summary>The certificate of a call's connection, whatever its age.</summary>
    /// <exception cref="RefusedException"><c>certificate-missing</c>, <c>certificate-foreign</c>.</exception>
    internal static PeerCertificate Shown(Microsoft.AspNetCore.Http.HttpContext context, PeerCertificates certificates) =>
        context.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is { } certificate ? certificates.Read(certificate)
            : throw new RefusedException(RefusalCodes.CertificateMissing, "the caller shows no certificate",
                "join with a token first ('fedlora client --token-file FILE', 'fedlora admin join')");

    private PeerCertificate Shown() => Shown(Context, certificates);

    private async Task<string> RoleAsync(PeerCertificate peer, CancellationToken cancellationToken)
    {
        if (peer.Role != Roles.Node)
            return (await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).AuthenticateAsync(peer.Id, peer.KeyHash, cancellationToken)).Role;
        await grains.GetGrain<INodeGrain>(peer.Id).AuthenticateAsync(NodeCredential(peer.KeyHash), cancellationToken);
        return Roles.Node;
    }
}
