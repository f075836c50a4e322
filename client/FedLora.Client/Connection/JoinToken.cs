using FedLora.Client.Hosting;

namespace FedLora.Client.Connection;

/// <summary>A join token: its secret, and which coordinator it is for.</summary>
/// <param name="Secret">What the coordinator knows by its hash.</param>
/// <param name="Authority">SHA-256 (hex) of the coordinator's authority; null where the token names none.</param>
public readonly record struct JoinToken(string Secret, string? Authority)
{
    private const int Digits = 64;

    /// <summary>A node's token, as it was given out.</summary>
    /// <param name="options">The node's: they hold it, or name its file.</param>
    /// <param name="url">The coordinator's.</param>
    /// <exception cref="FedLoraException"><c>token-missing</c>.</exception>
    internal static string Of(ClientOptions options, string url)
    {
        const string How = "ask the coordinator's operator for one, and give it with --token-file FILE or in FEDLORA_JOIN_TOKEN";
        if (options.Token is { Length: > 0 } token)
            return token;
        if (options.TokenFile is not { } file)
            throw new FedLoraException("token-missing", $"this node is not enrolled at {url} yet and has no join token", How);
        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } read ? read
                : throw new FedLoraException("token-missing", $"there is no join token in {file}", How);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("token-missing", $"the join token cannot be read: {error.Message}", How, error);
        }
    }

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
