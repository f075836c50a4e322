using System.Buffers.Binary;
using System.Security.Cryptography;

namespace FedLora.Training.Privacy;

/// <summary>
/// Sampling and noise of a simulation, the same for the same seed: AES-256 in counter mode under SHA-256(seed, use). As good as any noise
/// to look at, and no protection, since whoever knows the seed knows the noise; reached through <see cref="PrivateTerms.Simulated"/> alone.
/// </summary>
internal sealed class SimulatedRandom : IRandomSource
{
    private const int Block = 16;
    private readonly byte[] _key;
    private readonly byte[] _counters = new byte[256 * Block];
    private readonly byte[] _stream = new byte[256 * Block];
    private ulong _next;
    private int _used;

    public SimulatedRandom(ulong seed, ulong use)
    {
        Span<byte> text = stackalloc byte[2 * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(text, seed);
        BinaryPrimitives.WriteUInt64LittleEndian(text[sizeof(ulong)..], use);
        _key = SHA256.HashData(text);
        _used = _stream.Length;
    }

    public bool IsCryptographic => false;

    public void Fill(Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_used == _stream.Length)
                Refill();
            var piece = Math.Min(bytes.Length, _stream.Length - _used);
            _stream.AsSpan(_used, piece).CopyTo(bytes);
            bytes = bytes[piece..];
            _used += piece;
        }
    }

    private void Refill()
    {
        for (var i = 0; i < _counters.Length; i += Block)
            BinaryPrimitives.WriteUInt64LittleEndian(_counters.AsSpan(i), _next++);
        using var aes = Aes.Create();
        aes.Key = _key;
        aes.EncryptEcb(_counters, _stream, PaddingMode.None);
        _used = 0;
    }
}
