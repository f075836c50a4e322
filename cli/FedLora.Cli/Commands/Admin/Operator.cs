using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Client.Connection;
using FedLora.Server.Authentication;
using FedLora.Server.Hosting;
using Grpc.Core;

namespace FedLora.Cli.Commands.Admin;

/// <summary>How an operator reaches a coordinator: by its data folder on the same machine, or by address and token.</summary>
internal static class Operator
{
    private const string TokenVariable = "FEDLORA_OPERATOR_TOKEN";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static readonly Option<string?> Data = new("--data") { Description = "The coordinator's data folder, on the machine where it runs: address and operator token are read there.", Recursive = true };
    private static readonly Option<string?> Coordinator = new("--coordinator") { Description = $"Address of the coordinator; the operator (or auditor) token is then taken from {TokenVariable}.", Recursive = true };

    /// <summary>Understood by every command below <c>admin</c>.</summary>
    internal static IReadOnlyList<Option> Options { get; } = [Data, Coordinator];

    /// <summary>Binds a command to what it does at a coordinator; gRPC errors become errors for people.</summary>
    internal static Command RunsAtCoordinator(this Command command, Func<ParseResult, CommandOutput, CoordinatorConnection, CancellationToken, Task> action) =>
        command.Runs(async (parsed, output, cancellation) =>
        {
            using var connection = Connect(parsed.GetValue(Data), parsed.GetValue(Coordinator));
            try
            {
                await action(parsed, output, connection, cancellation);
            }
            catch (RpcException) when (cancellation.IsCancellationRequested)
            {
                throw new OperationCanceledException(cancellation);
            }
            catch (RpcException error)
            {
                throw connection.Explain(error);
            }
        });

    /// <summary>Options of one call of an operator.</summary>
    internal static CallOptions Call(this CoordinatorConnection connection, CancellationToken cancellation) => connection.Options(cancellation, Limit);

    private static CoordinatorConnection Connect(string? data, string? url)
    {
        var token = Environment.GetEnvironmentVariable(TokenVariable);
        if (data is not null)
        {
            url ??= Read(DataFolder.UrlFileOf(data), "no coordinator is running on this data folder");
            token ??= Read(AccessTokens.FileOf(data, Roles.Operator), "it is not a coordinator's data folder");
        }
        if (url is null)
            throw new UsageException("no coordinator is named", "Give --data DIR of a coordinator on this machine, or --coordinator URL.");
        if (token is null)
            throw new UsageException($"--coordinator needs the operator token in {TokenVariable}", "It is the content of operator.token (or, to read only, of auditor.token) in the coordinator's data folder.");
        return new CoordinatorConnection(url) { Credential = token };
    }

    private static string Read(string file, string otherwise) => File.Exists(file)
        ? File.ReadAllText(file).Trim()
        : throw new FedLoraException("coordinator-unknown", $"{file} is not there: {otherwise}", "start 'fedlora server --data DIR', or name another folder");
}
