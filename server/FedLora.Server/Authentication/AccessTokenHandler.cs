using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Authentication;

/// <summary>Operators and auditors by the tokens in the coordinator's data folder.</summary>
internal sealed class AccessTokenHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder, AccessTokens tokens)
    : BearerHandler(options, logging, encoder)
{
    protected override ValueTask<(string Name, string Role)> IdentifyAsync(string bearer, CancellationToken cancellationToken) =>
        tokens.RoleOf(bearer) is { } role
            ? ValueTask.FromResult((role, role))
            : throw new RefusedException(RefusalCodes.OperatorCredential,
                "the call carries neither this coordinator's operator token nor its auditor token",
                "give the coordinator's data folder with --data, or the content of its operator.token (or auditor.token) in "
                    + "FEDLORA_OPERATOR_TOKEN");
}
