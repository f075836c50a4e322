using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using FedLora.Grains;
using FedLora.Protocol;
using FedLora.Server.Hosting;
using Grpc.Core;

namespace FedLora.Server.Services;

/// <summary>
/// Who calls. Over loopback a node shows <c>Bearer NODE-ID.CREDENTIAL</c>; where there is mutual TLS the node's id will come from its
/// certificate here, and nothing else changes.
/// </summary>
internal sealed class Callers(IGrainFactory grains, OperatorToken operatorToken)
{
    /// <summary>What a node is to send as its credential.</summary>
    internal static string NodeCredential(string nodeId, string credential) => $"{nodeId}.{credential}";

    /// <summary>The calling node's id.</summary>
    /// <exception cref="RefusedException">Unknown, wrong credential, or revoked.</exception>
    internal async Task<string> NodeAsync(ServerCallContext context)
    {
        var bearer = Bearer.Read(context.RequestHeaders) ?? "";
        var dot = bearer.IndexOf('.', StringComparison.Ordinal);
        if (dot <= 0 || dot > 64 || !bearer.AsSpan(0, dot).ContainsOnlyHex())
            throw new RefusedException(RefusalCodes.NodeCredential, "the call carries no node credential", "enrol the node with a join token");
        var id = bearer[..dot];
        await grains.GetGrain<INodeGrain>(id).AuthenticateAsync(bearer[(dot + 1)..], context.CancellationToken);
        return id;
    }

    /// <summary>Refuses unless the caller is an operator.</summary>
    /// <exception cref="RefusedException"><c>operator-credential</c>.</exception>
    internal void Operator(ServerCallContext context)
    {
        var shown = Encoding.UTF8.GetBytes(Bearer.Read(context.RequestHeaders) ?? "");
        if (!CryptographicOperations.FixedTimeEquals(shown, Encoding.UTF8.GetBytes(operatorToken.Value)))
        {
            throw new RefusedException(RefusalCodes.OperatorCredential, "the call does not carry this coordinator's operator token",
                "give the coordinator's data folder with --data, or the content of its operator.token in FEDLORA_OPERATOR_TOKEN");
        }
    }
}

file static class Hex
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    internal static bool ContainsOnlyHex(this ReadOnlySpan<char> text) => !text.ContainsAnyExcept(Digits);
}
