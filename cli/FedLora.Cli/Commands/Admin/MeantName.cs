using System.Text.RegularExpressions;
using FedLora.Client.Connection;
using FedLora.Federations;
using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Cli.Commands.Admin;

/// <summary>A name that the coordinator does not know, and the one there is that was meant.</summary>
internal static partial class MeantName
{
    /// <summary>The error with a question after it; the error itself where no name is near, or the coordinator tells none.</summary>
    internal static async Task<FedLoraException> AskAsync(FedLoraException told, CoordinatorConnection connection,
        CancellationToken cancellationToken)
    {
        if (Quoted().Match(told.Message) is not { Success: true } name)
            return told;
        try
        {
            IReadOnlyList<string> known = told.Code switch
            {
                RefusalCodes.FederationUnknown => [
                    .. (await connection.Admin.ListFederationsAsync(new ListFederationsRequest(), connection.Call(cancellationToken)))
                        .Federations.Select(federation => federation.Definition.Name)],
                RefusalCodes.NodeUnknownName => [
                    .. (await connection.Admin.ListNodesAsync(new ListNodesRequest(), connection.Call(cancellationToken)))
                        .Nodes.Select(node => node.Name)],
                _ => [],
            };
            return Nearest.Question(name.Groups["name"].Value, known) is { Length: > 0 } question
                ? new FedLoraException(told.Code, told.Message.TrimEnd('.') + question, told.Hint, told) : told;
        }
        catch (RpcException)
        {
            return told;
        }
    }

    [GeneratedRegex("^There is no (?:federation|node) '(?<name>[^']+)'", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Quoted();
}
