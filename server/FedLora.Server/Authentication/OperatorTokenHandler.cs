using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Authentication;

/// <summary>Operators by the token in the coordinator's data folder.</summary>
internal sealed class OperatorTokenHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder, OperatorToken token) : CallerHandler(options, logging, encoder)
{
    protected override ValueTask<(string Name, string Role)> IdentifyAsync(string bearer, CancellationToken cancellationToken) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(bearer), Encoding.UTF8.GetBytes(token.Value))
            ? ValueTask.FromResult(("operator", Policies.Operator))
            : throw new RefusedException(RefusalCodes.OperatorCredential, "the call does not carry this coordinator's operator token",
                "give the coordinator's data folder with --data, or the content of its operator.token in FEDLORA_OPERATOR_TOKEN");
}
