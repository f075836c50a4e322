namespace FedLora.Client.Connection;

/// <summary>A join token: its secret, and which coordinator it is for.</summary>
/// <param name="Secret">What the coordinator knows by its hash.</param>
/// <param name="Authority">SHA-256 (hex) of the coordinator's authority; null where the token names none.</param>
public readonly record struct JoinToken(string Secret, string? Authority)
{
    private const int Digits = 64;

    /// <summary>Reads <c>SECRET</c> or <c>SECRET.AUTHORITY</c>.</summary>
    /// <exception cref="FedLoraException"><c>token-invalid</c>.</exception>
    public static JoinToken Parse(string token)
    {
        var dot = token.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0)
            return new JoinToken(token, null);
        var authority = token[(dot + 1)..];
        return authority.Length == Digits && authority.All(char.IsAsciiHexDigitLower) ? new JoinToken(token[..dot], authority)
            : throw new FedLoraException("token-invalid",
                $"the join token is cut off: {authority.Length} characters follow its dot, {Digits} should",
                "copy the whole line that 'fedlora admin token create' printed");
    }
}
