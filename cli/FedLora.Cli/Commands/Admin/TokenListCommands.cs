using System.CommandLine;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin token list | revoke</c>: the tokens that can still be used.</summary>
internal static class TokenListCommands
{
    public static Command List() => new Command("list", "List the join tokens that can still be used; their secrets were shown once and are not kept.")
        .RunsAtCoordinator(async (_, output, connection, cancellation) => Show(output, await connection.Upkeep.ListTokensAsync(new ListTokensRequest(), connection.Call(cancellation))));

    public static Command Revoke()
    {
        var id = new Argument<string>("ID") { Description = "The token's id in 'fedlora admin token list'." };
        return new Command("revoke", "Take a join token back: nobody enrols with it any more. Nodes that have stay.") { id }.RunsAtCoordinator(async (parsed, output, connection, cancellation) =>
            Show(output, await connection.Upkeep.RevokeTokenAsync(new RevokeTokenRequest { Id = parsed.GetValue(id) }, connection.Call(cancellation))));
    }

    private static void Show(Output.CommandOutput output, ListTokensResponse response)
    {
        var tokens = response.Tokens.Select(token => new { token.Id, UsesLeft = token.UsesLeft, Expires = DateTimeOffset.FromUnixTimeMilliseconds(token.ExpiresUnixMs), token.Note }).ToList();
        output.Result(tokens, console =>
        {
            var table = new Table().Border(TableBorder.Rounded).AddColumns("id", "nodes that may enrol", "until", "note");
            foreach (var token in tokens)
                table.AddRow(token.Id, $"{token.UsesLeft}", token.Expires.ToString("u"), Markup.Escape(token.Note));
            console.Write(table);
        });
    }
}
