using System.Buffers;

namespace FedLora.Server.Authentication;

/// <summary>What a node shows where it has no certificate.</summary>
/// <param name="NodeId">Lower-case hex.</param>
/// <param name="Secret">Given at enrolment.</param>
internal readonly record struct NodeBearer(string NodeId, string Secret)
{
    private const int LongestId = 64;
    private static readonly SearchValues<char> Hex = SearchValues.Create("0123456789abcdef");

    /// <exception cref="RefusedException"><c>node-credential</c>: it is none.</exception>
    internal static NodeBearer Parse(string bearer)
    {
        var dot = bearer.IndexOf('.', StringComparison.Ordinal);
        return dot is > 0 and <= LongestId && !bearer.AsSpan(0, dot).ContainsAnyExcept(Hex)
            && !bearer.AsSpan(dot + 1).ContainsAnyExcept(Hex)
            ? new NodeBearer(bearer[..dot], bearer[(dot + 1)..])
            : throw new RefusedException(RefusalCodes.NodeCredential, "the call carries no node credential",
                "enrol the node with a join token");
    }

    public override string ToString() => $"{NodeId}.{Secret}";
}
