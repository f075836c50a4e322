namespace FedLora.Server.Authentication;

/// <summary>Who may call: each service, or one call of it, names one of these in <c>[Authorize]</c>.</summary>
internal static class Policies
{
    /// <summary>Enrolled nodes that are not revoked.</summary>
    internal const string Node = "node";

    /// <summary>Whoever runs the coordinator.</summary>
    internal const string Operator = "operator";
}
