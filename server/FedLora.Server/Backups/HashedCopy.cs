using System.Buffers;
using System.Security.Cryptography;

namespace FedLora.Server.Backups;

/// <summary>Copying bytes and hashing them on the way: what was looked at is what was written.</summary>
internal static class HashedCopy
{
    private const int Block = 1 << 18;

    /// <summary>Copies all that is left; returns its SHA-256.</summary>
    internal static async Task<string> RunAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            for (int count; (count = await from.ReadAsync(buffer, cancellationToken)) > 0;)
            {
                hash.AppendData(buffer, 0, count);
                await to.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
