using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using FedLora.Server.Certificates;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Services;

/// <summary>Enrolment with a join token, which is what lets a stranger in; and new certificates for those who are in.</summary>
[AllowAnonymous]
internal sealed class EnrolmentService(IGrainFactory grains, Lazy<CertificateAuthority> authority, CertificateHolders holders,
    ILogger<EnrolmentService> logger) : Enrolment.EnrolmentBase
{
    private IAccessGrain Access => grains.GetGrain<IAccessGrain>(IAccessGrain.Key);

    public override async Task<EnrolResponse> Enrol(Protocol.V1.EnrolRequest request, ServerCallContext context)
    {
        await RequireOwnAsync(request, context.CancellationToken);
        if (!context.GetHttpContext().Request.IsHttps)
        {
            var plain = await EnrolNodeAsync(request, "", context.CancellationToken);
            return new EnrolResponse { NodeId = plain.NodeId, Credential = new NodeBearer(plain.NodeId, plain.Credential).ToString() };
        }
        var key = Requests.Key(request.CertificateRequest.Span);
        var holder = await Access.EnrolAsync(new AccessRequest { Token = request.Token, KeyHash = Requests.Hash(key) },
            context.CancellationToken);
        if (holder is null && request.Joiner == Joiner.Person)
            throw new RefusedException(RefusalCodes.TokenInvalid, "the join token is unknown or expired",
                "ask an operator for a new one ('fedlora admin token create')");
        var (id, role) = holder is not null ? (holder.Id, holder.Role)
            : ((await EnrolNodeAsync(request, CertificateHolders.NodeCredential(Requests.Hash(key)), context.CancellationToken)).NodeId,
                Roles.Node);
        using var certificate = authority.Value.Issue(key, id, role, CertificateAuthority.PeerLifetime);
        return new EnrolResponse
        {
            NodeId = id,
            Certificate = ByteString.CopyFrom(certificate.RawData),
            Authority = ByteString.CopyFrom(authority.Value.Certificate.RawData),
        };
    }

    public override Task<GetAuthorityResponse> GetAuthority(GetAuthorityRequest request, ServerCallContext context) => Task.FromResult(
        new GetAuthorityResponse { Authority = ByteString.CopyFrom(Issuer(context).Certificate.RawData) });

    public override async Task<RenewResponse> Renew(RenewRequest request, ServerCallContext context)
    {
        var issuer = Issuer(context);
        var http = context.GetHttpContext();
        var peer = holders.Shown(http);
        // By its key: that the certificate has ended does not matter, that its holder is still let in does.
        await holders.AdmitAsync(peer, context.CancellationToken);
        using var certificate = issuer.Issue(http.Connection.ClientCertificate!.PublicKey, peer.Id, peer.Role, Lifetime(request, peer));
        logger.Renewed(peer.Role, peer.Id, certificate.NotAfter.ToUniversalTime());
        return new RenewResponse { Certificate = ByteString.CopyFrom(certificate.RawData) };
    }

    // A longer life gives its holder nothing more: by the key it is renewed at any time, and a revocation ends it at once.
    private static TimeSpan Lifetime(RenewRequest request, PeerCertificate peer) => request.ValidDays switch
    {
        0 => CertificateAuthority.PeerLifetime,
        _ when peer.Role == Roles.Node => throw new RefusedException(RefusalCodes.CertificateRequest,
            "a node's certificate is not made for longer: the node renews it by itself", "leave the days out"),
        > CertificateAuthority.MostDays => throw new RefusedException(RefusalCodes.CertificateRequest,
            $"a certificate holds for {CertificateAuthority.MostDays} days at most, not {request.ValidDays}", "ask for fewer days"),
        var days => TimeSpan.FromDays(days),
    };

    // Before anything is used up by it.
    private async Task RequireOwnAsync(Protocol.V1.EnrolRequest request, CancellationToken cancellationToken)
    {
        if (request.Joiner == Joiner.Node && await Access.FindTokenAsync(request.Token, cancellationToken) is { } token)
            throw new RefusedException(RefusalCodes.TokenRole,
                $"the join token is for the {token.Role} '{token.Name}', not for a node; it is not used up",
                $"'{token.Name}' joins with it by 'fedlora admin join'; a node's is made by 'fedlora admin token create'");
        if (request.Joiner == Joiner.Person
            && await grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key).KnowsTokenAsync(request.Token, cancellationToken))
            throw new RefusedException(RefusalCodes.TokenRole,
                "the join token is for a node, not for an operator or auditor; it is not used up",
                "a site gives it to 'fedlora client'; yours is made by 'fedlora admin token create --role operator --name NAME'");
    }

    private async Task<EnrolReply> EnrolNodeAsync(Protocol.V1.EnrolRequest request, string credential, CancellationToken cancellationToken)
    {
        var reply = await grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key).EnrolAsync(
            new Grains.Enrolment.EnrolRequest
            {
                Token = request.Token,
                Name = request.Name,
                Group = request.Group,
                RequestId = request.RequestId,
                Credential = credential,
            }, cancellationToken);
        logger.Enrolled(request.Name, reply.NodeId);
        return reply;
    }

    private CertificateAuthority Issuer(ServerCallContext context) => context.GetHttpContext().Request.IsHttps ? authority.Value
        : throw new RefusedException(RefusalCodes.CertificateMissing, "this coordinator listens without TLS and gives no certificates",
            "enrol with the join token alone");
}
