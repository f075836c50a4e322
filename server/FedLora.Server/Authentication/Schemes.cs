namespace FedLora.Server.Authentication;

/// <summary>
/// The ways to say who calls. A further one (client certificates) is a handler that gives the same claims, a line in <see cref="AuthenticationSetup"/>, and its name in the
/// policies of those who may use it; no service changes.
/// </summary>
internal static class Schemes
{
    /// <summary><c>Bearer NODE-ID.CREDENTIAL</c>, as given at enrolment.</summary>
    internal const string NodeCredential = "node-credential";

    /// <summary><c>Bearer TOKEN</c>, the content of the data folder's operator.token or auditor.token.</summary>
    internal const string AccessToken = "access-token";
}
