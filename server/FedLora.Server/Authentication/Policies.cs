namespace FedLora.Server.Authentication;

/// <summary>Who may call: each service, and each call of it that asks for more, names one of these in <c>[Authorize]</c>.</summary>
internal static class Policies
{
    /// <summary>Enrolled nodes that are not revoked.</summary>
    internal const string Node = Roles.Node;

    /// <summary>Whoever runs the coordinator.</summary>
    internal const string Operator = Roles.Operator;

    /// <summary>Operators and auditors: calls that change nothing and hand out no adapter.</summary>
    internal const string Reader = "reader";
}
