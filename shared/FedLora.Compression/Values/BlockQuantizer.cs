using System.Buffers.Binary;
using System.Numerics.Tensors;

namespace FedLora.Compression.Values;

/// <summary>
/// Block quantisation with stochastic rounding: in a block of <see cref="BlockSize"/> values with largest magnitude m, a value v becomes
/// q = floor(v L / m + u), u uniform in [0, 1), L = 127 or 7, so that E[q m / L] = v (Alistarh et al. 2017, arXiv 1610.02132).
/// A block is its scale m (f32) and its q plus L, 8 bits each or two to a byte, lower half first.
/// </summary>
internal static class BlockQuantizer
{
    public const int BlockSize = 64;

    /// <summary>Bytes for <paramref name="count"/> values of <paramref name="bits"/> bits (8 or 4).</summary>
    public static long Size(long count, int bits)
    {
        var blocks = count / BlockSize;
        var rest = count % BlockSize;
        return (blocks * (4 + (BlockSize * bits / 8))) + (rest == 0 ? 0 : 4 + (((rest * bits) + 7) / 8));
    }

    public static void Encode(ReadOnlySpan<float> values, int bits, ulong seed, Span<byte> target)
    {
        var levels = (1 << (bits - 1)) - 1;
        for (ulong draw = 0; values.Length > 0;)
        {
            var block = values[..Math.Min(BlockSize, values.Length)];
            var scale = Math.Abs(TensorPrimitives.MaxMagnitude(block));
            BinaryPrimitives.WriteSingleLittleEndian(target, scale);
            var codes = target.Slice(4, ((block.Length * bits) + 7) / 8);
            codes.Clear();
            for (var i = 0; i < block.Length; i++, draw++)
            {
                var exact = scale > 0 ? (double)block[i] / scale * levels : 0;
                var code = Math.Clamp((int)Math.Floor(exact + Uniform(seed, draw)), -levels, levels) + levels;
                codes[i * bits / 8] |= (byte)(bits == 8 ? code : code << (4 * (i & 1)));
            }

            target = target[(4 + codes.Length)..];
            values = values[block.Length..];
        }
    }

    public static void Decode(ReadOnlySpan<byte> source, int bits, Span<float> values)
    {
        var levels = (1 << (bits - 1)) - 1;
        while (values.Length > 0)
        {
            var block = values[..Math.Min(BlockSize, values.Length)];
            var scale = BinaryPrimitives.ReadSingleLittleEndian(source);
            if (!(scale >= 0 && float.IsFinite(scale)))
                throw SparseFormat.Invalid("the scale of a block is negative or not finite");
            var codes = source.Slice(4, ((block.Length * bits) + 7) / 8);
            for (var i = 0; i < block.Length; i++)
            {
                var code = bits == 8 ? codes[i] : (codes[i >> 1] >> (4 * (i & 1))) & 0xF;
                block[i] = (float)((double)scale * (code - levels) / levels);
            }

            source = source[(4 + codes.Length)..];
            values = values[block.Length..];
        }
    }

    /// <summary>The i-th uniform number in [0, 1) of a seed: SplitMix64 (Steele, Lea, Flood 2014).</summary>
    private static double Uniform(ulong seed, ulong index)
    {
        var z = seed + ((index + 1) * 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1L << 53));
    }
}
