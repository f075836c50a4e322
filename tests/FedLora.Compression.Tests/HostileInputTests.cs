namespace FedLora.Compression.Tests;

/// <summary>
/// Bytes from a hostile peer: whatever they are, decoding ends with a vector of the expected length or with a clear error, and allocates
/// no more than the expected length allows. Mutations get a right checksum, so that they reach the inner decoders. FEDLORA_FUZZ_CASES sets
/// how many are tried.
/// </summary>
public sealed class HostileInputTests
{
    private const int Length = 600;

    /// <summary>Vector, indices, tables and the error: fixed costs of about 140 KB whatever the input.</summary>
    private const long AllocationLimit = 400_000;

    private static readonly byte[] Digest = new byte[SparseCodec.LayoutDigestSize];

    private static int Cases => int.TryParse(Environment.GetEnvironmentVariable("FEDLORA_FUZZ_CASES"), out var cases) ? cases : 100_000;

    [Fact]
    public void Mutations_never_crash_nor_allocate_beyond_the_limit()
    {
        var random = new Random(20);
        var seeds = Enum.GetValues<ValueFormat>().SelectMany(format => new[] { 1, 40, 299, 301, 599, 600 }
            .SelectMany(count => new[] { Masks.Uniform(Length, count, count), Masks.Clustered(Length, count / 600.0, count) })
            .Select(vector => SparseCodec.Encode(vector, format, Digest))).ToArray();
        var accepted = 0;
        for (var i = 0; i < Cases; i++)
            accepted += Decodes(Mutate(seeds[random.Next(seeds.Length)], random)) ? 1 : 0;
        // Mutated values are still values: some must get through, or the mutations reach nothing.
        Assert.InRange(accepted, 1, Cases - 1);
    }

    [Fact]
    public void Garbage_behind_a_right_header_never_crashes()
    {
        var random = new Random(21);
        var header = SparseCodec.Encode(Masks.Uniform(Length, 77, 1), ValueFormat.Q8, Digest).AsSpan(0, SparseCodec.HeaderSize).ToArray();
        for (var i = 0; i < Cases / 4; i++)
        {
            var bytes = new byte[SparseCodec.HeaderSize + random.Next(300)];
            random.NextBytes(bytes);
            header.CopyTo(bytes, 0);
            bytes[6] = (byte)random.Next(3);
            var values = 77 + 8;
            BitConverter.TryWriteBytes(bytes.AsSpan(40), Math.Max(0, bytes.Length - SparseCodec.HeaderSize - values));
            SparseCodec.Seal(bytes);
            Decodes(bytes);
        }
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        var bytes = original.ToArray();
        switch (random.Next(4))
        {
            case 0:
                bytes = bytes[..random.Next(bytes.Length)];
                break;
            case 1:
                Array.Resize(ref bytes, bytes.Length + random.Next(1, 40));
                break;
            default:
                break;
        }

        for (var flips = random.Next(1, 5); flips > 0 && bytes.Length > 0; flips--)
        {
            // Half of the changes in the header and the start of the mask, where the lengths and tables are.
            var position = random.Next(2) == 0 ? random.Next(Math.Min(bytes.Length, 80)) : random.Next(bytes.Length);
            bytes[position] = random.Next(3) switch { 0 => 0xFF, 1 => 0, _ => (byte)random.Next(256) };
        }

        if (bytes.Length >= SparseCodec.HeaderSize)
            SparseCodec.Seal(bytes);
        return bytes;
    }

    private static bool Decodes(byte[] bytes)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            var vector = SparseCodec.Decode(bytes, Length, Digest);
            Assert.Equal(Length, vector.Length);
            Assert.Equal(vector.Values.Length, vector.Indices.Length);
            for (var i = 0; i < vector.Count; i++)
                Assert.True(vector.Indices[i] < Length && vector.Indices[i] > (i == 0 ? -1 : vector.Indices[i - 1]));
            return true;
        }
        catch (FedLoraException error)
        {
            Assert.Equal("sparse-update-invalid", error.Code);
            return false;
        }
        finally
        {
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < AllocationLimit);
        }
    }
}
