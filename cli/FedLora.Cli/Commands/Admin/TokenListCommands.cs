using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin token list | revoke</c>: the tokens that can still be used.</summary>
internal static class TokenListCommands
{
    public static Command List() =>
        new Command("list", "List the join tokens that can still be used; their secrets were shown once and are not kept.")
            .Writes(typeof(TokensJson))
            .RunsAtCoordinator(
                async (_, output, connection, cancellationToken) => Show(output,
                    await connection.Upkeep.ListTokensAsync(new ListTokensRequest(), connection.Call(cancellationToken))));

    public static Command Revoke()
    {
        var id = new Argument<string>("ID") { Description = "The token's id in 'fedlora admin token list'." };
        return new Command("revoke", "Take a join token back: nobody joins with it any more. Who has joined stays.") { id }
            .Writes(typeof(TokensJson)).RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
            Show(output,
                await connection.Upkeep.RevokeTokenAsync(new RevokeTokenRequest { Id = parsed.GetValue(id) },
                    connection.Call(cancellationToken))));
    }

    private static void Show(CommandOutput output, ListTokensResponse response)
    {
        var tokens = response.Tokens.Select(
            token => new OpenTokenJson(token.Id, token.Role, token.Name, token.UsesLeft,
                DateTimeOffset.FromUnixTimeMilliseconds(token.ExpiresUnixMs), token.Note))
            .ToList();
        output.Result(new TokensJson(tokens), console =>
        {
            var table = new Table().Border(TableBorder.Rounded).AddColumns("id", "for", "name", "uses left", "until", "note");
            foreach (var token in tokens)
                table.AddRow(token.Id, token.Role, Markup.Escape(token.Name.Length > 0 ? token.Name : "any"), $"{token.UsesLeft}",
                    token.Expires.ToString("u"), Markup.Escape(token.Note));
            console.Write(table);
        });
    }
}

/// <summary>The join tokens that can still be used.</summary>
internal sealed record TokensJson(IReadOnlyList<OpenTokenJson> Tokens);

/// <param name="Id">Stands for the token, whose secret was shown once.</param>
/// <param name="Role">Whom it lets in: node, operator, auditor.</param>
/// <param name="Name">The only name that it lets in; empty: any.</param>
/// <param name="UsesLeft">How many may still join with it.</param>
/// <param name="Expires">When it does.</param>
/// <param name="Note">For people.</param>
internal sealed record OpenTokenJson(string Id, string Role, string Name, uint UsesLeft, DateTimeOffset Expires, string Note);
