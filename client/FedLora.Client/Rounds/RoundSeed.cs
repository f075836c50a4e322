using System.Security.Cryptography;
using System.Text;

namespace FedLora.Client.Rounds;

/// <summary>
/// The seed of a node's part in a round: the same for a round that is trained again, another in every round, and another at every site.
/// </summary>
public static class RoundSeed
{
    /// <summary>The first eight bytes of SHA-256(seed/federation/round/node).</summary>
    /// <param name="node">The node's name.</param>
    public static ulong Of(ulong seed, string federation, int round, string node) =>
        BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}/{federation}/{round}/{node}")));
}
