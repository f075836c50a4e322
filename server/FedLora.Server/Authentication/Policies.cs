namespace FedLora.Server.Authentication;

/// <summary>Who may call: each service, and each call of it that asks for more, names one of these in <c>[Authorize]</c>.</summary>
public static class Policies
{
    /// <summary>Enrolled nodes that are not revoked.</summary>
    public const string Node = Roles.Node;

    /// <summary>Whoever runs the coordinator.</summary>
    public const string Operator = Roles.Operator;

    /// <summary>Operators and auditors: calls that change nothing and hand out no adapter.</summary>
    public const string Reader = "reader";
}
