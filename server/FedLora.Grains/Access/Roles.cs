namespace FedLora.Grains;

/// <summary>Who looks after a coordinator.</summary>
public static class Roles
{
    /// <summary>Acts.</summary>
    public const string Operator = "operator";

    /// <summary>Reads.</summary>
    public const string Auditor = "auditor";
}
