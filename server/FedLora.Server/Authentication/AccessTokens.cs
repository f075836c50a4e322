using System.Security.Cryptography;
using System.Text;

namespace FedLora.Server.Authentication;

/// <summary>
/// The secrets of this coordinator's operators and auditors: made once, kept in the data folder, readable by its owner only.
/// </summary>
public sealed class AccessTokens
{
    private const int Shortest = 32;
    private static readonly string[] Kept = [Roles.Operator, Roles.Auditor];
    private readonly IReadOnlyList<(string Role, byte[] Token)> _tokens;

    private AccessTokens(IReadOnlyList<(string Role, byte[] Token)> tokens) => _tokens = tokens;

    /// <summary>A role's token file in a data folder.</summary>
    public static string FileOf(string root, string role) => Path.Combine(root, $"{role}.token");

    /// <summary>Looks at the tokens that are there, and makes none.</summary>
    /// <exception cref="FedLoraException"><c>operator-token-invalid</c>: what is there is too short to be a secret.</exception>
    public static void Check(string root)
    {
        foreach (var role in Kept.Where(role => File.Exists(FileOf(root, role))))
            _ = Ensure(root, role);
    }

    /// <summary>Reads the tokens, making those that are missing: all of them at the first start.</summary>
    /// <exception cref="FedLoraException"><c>operator-token-invalid</c>: what is there is too short to be a secret, or is the same for two
    /// roles.</exception>
    public static AccessTokens Ensure(string root)
    {
        var tokens = Kept.Select(role => (Role: role, Token: Encoding.UTF8.GetBytes(Ensure(root, role)))).ToArray();
        return !CryptographicOperations.FixedTimeEquals(tokens[0].Token, tokens[1].Token) ? new AccessTokens(tokens)
            : throw Invalid($"{FileOf(root, Roles.Auditor)} holds the operators' token", FileOf(root, Roles.Auditor));
    }

    /// <summary>A hash of all of them; null where one is missing.</summary>
    public static string? Fingerprint(string root) => Kept.All(role => File.Exists(FileOf(root, role)))
        ? Convert.ToHexStringLower(
            SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(' ', Kept.Select(role => File.ReadAllText(FileOf(root, role)).Trim())))))
        : null;

    /// <summary>Whose token this is; null if it is nobody's.</summary>
    internal string? RoleOf(string bearer)
    {
        var shown = Encoding.UTF8.GetBytes(bearer);
        string? role = null;
        foreach (var (kept, token) in _tokens)
        {
            if (CryptographicOperations.FixedTimeEquals(shown, token))
                role = kept;
        }
        return role;
    }

    private static string Ensure(string root, string role)
    {
        var file = FileOf(root, role);
        if (!File.Exists(file))
            AtomicFile.WriteSecret(file, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)) + "\n");
        var token = File.ReadAllText(file).Trim();
        return token.Length >= Shortest ? token
            : throw Invalid($"{file} holds {token.Length} characters; an {role} token has at least {Shortest}", file);
    }

    private static FedLoraException Invalid(string message, string file) =>
        new("operator-token-invalid", message, $"delete {Path.GetFileName(file)}: the next start makes a new one");
}
