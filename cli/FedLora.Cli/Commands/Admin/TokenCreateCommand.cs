using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin token create</c>.</summary>
internal static class TokenCreateCommand
{
    public static Command Create()
    {
        var uses = new Option<int>("--uses") { Description = "How many nodes may enrol with it.", DefaultValueFactory = _ => 1 };
        var hours = new Option<double>("--hours") { Description = "How long it is valid.", DefaultValueFactory = _ => 24 };
        var role = new Option<string>("--role")
        {
            Description = "Whom it lets in: node, operator or auditor.",
            DefaultValueFactory = _ => "node",
        };
        role.AcceptOnlyFromAmong("node", "operator", "auditor");
        var name = new Option<string?>("--name") { Description = "The only name that it lets in; needed for operators and auditors." };
        return new Command("create", "Make a join token. It is shown once.") { uses, hours, role, name }
            .Writes(typeof(TokenJson)).RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
        {
            if (parsed.GetValue(uses) < 1 || !(parsed.GetValue(hours) > 0))
                throw new UsageException("--uses and --hours must be above 0", "e.g. --uses 4 --hours 24");
            var reply = await connection.Admin.CreateTokenAsync(
                new CreateTokenRequest
                {
                    Uses = (uint)parsed.GetValue(uses),
                    ValidSeconds = (uint)(parsed.GetValue(hours) * 3600),
                    Role = parsed.GetValue(role),
                    Name = parsed.GetValue(name) ?? "",
                }, connection.Call(cancellationToken));
            var expires = DateTimeOffset.FromUnixTimeMilliseconds(reply.ExpiresUnixMs);
            output.Result(new TokenJson(reply.Token, expires, parsed.GetValue(uses), reply.Id), console =>
            {
                console.WriteLine(reply.Token);
                output.Remark(parsed.GetValue(role) == "node"
                    ? $"valid until {expires:u}, for {parsed.GetValue(uses)} node(s); a site's client takes it from the file that "
                        + $"--token-file names, or from FEDLORA_JOIN_TOKEN"
                    : $"valid until {expires:u}, once; with it in FEDLORA_JOIN_TOKEN whoever it is for runs admin join, with "
                        + $"--coordinator and --identity");
            });
        });
    }
}

/// <param name="Token">The join token; it is shown once.</param>
/// <param name="Expires">When it does.</param>
/// <param name="Uses">How many nodes may enrol with it.</param>
/// <param name="Id">What 'fedlora admin token list' and 'revoke' know it by.</param>
internal sealed record TokenJson(string Token, DateTimeOffset Expires, int Uses, string Id);
