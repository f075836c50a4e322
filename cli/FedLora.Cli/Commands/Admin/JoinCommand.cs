using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Client.Connection;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin join</c>: an operator's or auditor's certificate for a one-time token.</summary>
internal static class JoinCommand
{
    private const string TokenVariable = "FEDLORA_JOIN_TOKEN";

    public static Command Create()
    {
        var file = new Option<string?>("--token-file")
        {
            Description = $"File with the one-time join token; {TokenVariable} may hold it instead.",
        };
        return new Command("join", "Get an operator's or auditor's certificate for a join token; later commands find it with --identity.")
        {
            file,
        }.Writes(typeof(JoinedJson)).Runs(async (parsed, output, cancellationToken) =>
        {
            var (address, folder) = Operator.Joins(parsed);
            var token = Environment.GetEnvironmentVariable(TokenVariable) is { Length: > 0 } named ? named
                : parsed.GetValue(file) is { } path ? Read(path)
                : throw new UsageException("no join token is given",
                    $"Give --token-file FILE, or the token in {TokenVariable}; an operator makes one with "
                        + "'fedlora admin token create --role operator --name NAME'.");
            using var identity = new PeerIdentity(Directory.CreateDirectory(folder).FullName, "operator", TimeProvider.System);
            await Operator.ExplainedAsync(address.Url, null,
                () => Joining.JoinAsync(identity, address, token, new EnrolRequest { Joiner = Joiner.Person }, cancellationToken),
                cancellationToken);
            var until = identity.Certificate!.NotAfter.ToUniversalTime();
            output.Result(new JoinedJson(Path.GetFullPath(folder), until), console => console.WriteLine(
                $"Joined. The certificate is in {folder} and is renewed when it is used; see: "
                    + $"fedlora admin --coordinator {address.Url} --identity {folder} federation list"));
        });
    }

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("token-missing", $"the join token cannot be read: {error.Message}",
                "name the file that holds it with --token-file", error);
        }
    }
}

/// <summary>A certificate's place and end, as <c>--json</c> shows it.</summary>
internal sealed record JoinedJson(string Identity, DateTime Until);
