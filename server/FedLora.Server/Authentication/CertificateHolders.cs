using FedLora.Server.Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace FedLora.Server.Authentication;

/// <inheritdoc cref="ICertificateHolders"/>
internal sealed class CertificateHolders(IGrainFactory grains, PeerCertificates certificates, TimeProvider time) : ICertificateHolders
{
    /// <summary>
    /// What a node's grain keeps in the place of a secret's hash: the key that its certificates are for. No bearer can be of this form.
    /// </summary>
    internal static string NodeCredential(string keyHash) => $"key:{keyHash}";

    public async Task<CertificateHolder> IdentifyAsync(HttpContext http, CancellationToken cancellationToken)
    {
        var peer = Shown(http);
        if (peer.Ends <= time.GetUtcNow())
        {
            throw new RefusedException(RefusalCodes.CertificateExpired,
                $"the caller's certificate ended at {peer.Ends:u}; the coordinator's clock says {time.GetUtcNow():u}",
                "it is renewed by its key: start the program again, or look at both clocks");
        }
        return await AdmitAsync(peer, cancellationToken);
    }

    /// <summary>The certificate of a call's connection, whatever its age.</summary>
    /// <exception cref="RefusedException"><c>certificate-missing</c>, <c>certificate-foreign</c>.</exception>
    internal PeerCertificate Shown(HttpContext http) =>
        http.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is { } certificate ? certificates.Read(certificate)
            : throw new RefusedException(RefusalCodes.CertificateMissing, "the caller shows no certificate",
                "join with a token first ('fedlora client --token-file FILE', 'fedlora admin join')");

    /// <summary>Its holder, if he is still let in.</summary>
    /// <exception cref="RefusedException">He is not.</exception>
    internal async Task<CertificateHolder> AdmitAsync(PeerCertificate peer, CancellationToken cancellationToken)
    {
        if (peer.Role != Roles.Node)
        {
            var entry = await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).AuthenticateAsync(peer.Id, peer.KeyHash, cancellationToken);
            return new CertificateHolder(entry.Id, entry.Name, entry.Role);
        }
        await grains.GetGrain<INodeGrain>(peer.Id).AuthenticateAsync(NodeCredential(peer.KeyHash), cancellationToken);
        return new CertificateHolder(peer.Id, peer.Id, Roles.Node);
    }
}
