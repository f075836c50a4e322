using System.Security.Cryptography;
using System.Text;

namespace FedLora.Grains.Enrolment;

/// <summary>Join tokens and credentials: 256 random bits; only their hashes are kept.</summary>
public static class Secrets
{
    /// <summary>A new secret, 64 hex digits: none begins with a sign that a command line takes for an option.</summary>
    public static string New() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>SHA-256, 64 lower-case hex digits. The secrets have 256 bits, so no salt or stretching is needed.</summary>
    public static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}
