namespace FedLora.Server.Authentication;

/// <summary>
/// The ways to say who calls: over TLS by certificate, on loopback without TLS by bearer. Each gives the same claims; no service knows
/// which it was.
/// </summary>
internal static class Schemes
{
    /// <summary>The certificate of the connection, signed by this coordinator's authority.</summary>
    internal const string Certificate = "certificate";

    /// <summary><c>Bearer NODE-ID.CREDENTIAL</c>, as given at enrolment.</summary>
    internal const string NodeCredential = "node-credential";

    /// <summary><c>Bearer TOKEN</c>, the content of the data folder's operator.token or auditor.token.</summary>
    internal const string AccessToken = "access-token";
}
