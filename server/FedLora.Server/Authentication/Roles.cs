namespace FedLora.Server.Authentication;

/// <summary>What a caller may be.</summary>
public static class Roles
{
    /// <summary>Trains: polls, fetches what its tasks name, sends its updates.</summary>
    public const string Node = "node";

    /// <summary>Runs the coordinator: everything but a node's calls.</summary>
    public const string Operator = "operator";

    /// <summary>Reads what an operator reads of federations and nodes, and changes nothing.</summary>
    public const string Auditor = "auditor";
}
