using System.Security.Cryptography;
using System.Text;
using FedLora.Adapters;

namespace FedLora.Server.Hosting;

/// <summary>The secret of this coordinator's operators: made once, kept in the data folder, readable by its owner only.</summary>
/// <param name="Value">What an operator's calls carry.</param>
public sealed record OperatorToken(string Value)
{
    /// <summary>The token's file in a data folder.</summary>
    public static string FileOf(string root) => Path.Combine(root, "operator.token");

    /// <summary>Reads the token, making it at the first start.</summary>
    public static OperatorToken Ensure(string root)
    {
        var file = FileOf(root);
        if (!File.Exists(file))
        {
            AtomicFile.Write(file, Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)) + "\n"));
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        return new OperatorToken(File.ReadAllText(file).Trim());
    }
}
