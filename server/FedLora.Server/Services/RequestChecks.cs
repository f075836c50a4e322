namespace FedLora.Server.Services;

/// <summary>What a request must say before a grain is asked.</summary>
internal static class RequestChecks
{
    /// <summary>The name, if there is one: an empty text is no grain's key.</summary>
    /// <exception cref="RefusedException"><c>federation-unknown</c>.</exception>
    internal static string Federation(string name) => name.Length > 0
        ? name
        : throw new RefusedException(RefusalCodes.FederationUnknown, "the call names no federation", "see 'fedlora admin federation list'");
}
