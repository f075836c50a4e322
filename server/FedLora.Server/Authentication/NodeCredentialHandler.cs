using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Authentication;

/// <summary>Nodes by the credential that they were given at enrolment.</summary>
internal sealed class NodeCredentialHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder, IGrainFactory grains)
    : BearerHandler(options, logging, encoder)
{
    protected override async ValueTask<(string Name, string Role)> IdentifyAsync(string bearer, CancellationToken cancellationToken)
    {
        var shown = NodeBearer.Parse(bearer);
        await grains.GetGrain<INodeGrain>(shown.NodeId).AuthenticateAsync(shown.Secret, cancellationToken);
        return (shown.NodeId, Roles.Node);
    }
}
