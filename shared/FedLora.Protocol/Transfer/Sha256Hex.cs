using System.Security.Cryptography;

namespace FedLora.Protocol.Transfer;

/// <summary>Content hashes as they are written on the wire: 64 lower-case hex digits.</summary>
public static class Sha256Hex
{
    /// <summary>Whether a text from the wire is a hash at all; nothing else may become part of a file name.</summary>
    public static bool IsValid(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    /// <summary>The hash of a file's bytes.</summary>
    public static async Task<string> OfFileAsync(string path, CancellationToken cancellationToken)
    {
        await using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken));
    }
}
