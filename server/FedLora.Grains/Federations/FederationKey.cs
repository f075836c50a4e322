namespace FedLora.Grains.Federations;

/// <summary>The key of a federation's grain, of a name that comes from outside.</summary>
public static class FederationKey
{
    /// <summary>The name, if it can be one: an empty or blank text is no grain's key.</summary>
    /// <param name="name">As a caller wrote it.</param>
    /// <exception cref="RefusedException"><c>federation-unknown</c>.</exception>
    public static string Of(string name) => !string.IsNullOrWhiteSpace(name)
        ? name
        : throw new RefusedException(RefusalCodes.FederationUnknown, "the call names no federation", "see: fedlora admin federation list");
}
