using System.Security.Cryptography;
using System.Text;

namespace FedLora.Server.Authentication;

/// <summary>The secret of this coordinator's operators: made once, kept in the data folder, readable by its owner only.</summary>
/// <param name="Value">What an operator's calls carry.</param>
public sealed record OperatorToken(string Value)
{
    /// <summary>The token's file in a data folder.</summary>
    public static string FileOf(string root) => Path.Combine(root, "operator.token");

    private const int Shortest = 32;

    /// <summary>Reads the token, making it at the first start.</summary>
    /// <exception cref="FedLoraException"><c>operator-token-invalid</c>: what is there is too short to be a secret.</exception>
    public static OperatorToken Ensure(string root)
    {
        var file = FileOf(root);
        if (!File.Exists(file))
        {
            AtomicFile.Write(file, Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)) + "\n"));
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        var token = File.ReadAllText(file).Trim();
        return token.Length >= Shortest ? new OperatorToken(token)
            : throw new FedLoraException("operator-token-invalid", $"{file} holds {token.Length} characters; an operator token has at least {Shortest}", "delete the file: the next start makes a new one");
    }
}
