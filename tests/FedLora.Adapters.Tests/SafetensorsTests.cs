using System.Runtime.InteropServices;
using FedLora.Tests;

namespace FedLora.Adapters.Tests;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-safetensors-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("F32", new byte[] { 0, 0, 0x20, 0xC0 }, -2.5f)]
    [InlineData("F16", new byte[] { 0x00, 0xC1 }, -2.5f)]
    [InlineData("F16", new byte[] { 0x01, 0x00 }, 5.9604645e-8f)]
    [InlineData("BF16", new byte[] { 0x20, 0xC0 }, -2.5f)]
    [InlineData("F64", new byte[] { 0, 0, 0, 0, 0, 0, 4, 0xC0 }, -2.5f)]
    [InlineData("I8", new byte[] { 0xFE }, -2f)]
    [InlineData("U8", new byte[] { 0xFE }, 254f)]
    [InlineData("BOOL", new byte[] { 1 }, 1f)]
    [InlineData("I16", new byte[] { 0xFE, 0xFF }, -2f)]
    [InlineData("U16", new byte[] { 0xFE, 0xFF }, 65534f)]
    [InlineData("I32", new byte[] { 0xFE, 0xFF, 0xFF, 0xFF }, -2f)]
    [InlineData("U32", new byte[] { 0xFE, 0xFF, 0xFF, 0xFF }, 4294967294f)]
    [InlineData("I64", new byte[] { 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF }, -2f)]
    [InlineData("U64", new byte[] { 2, 0, 0, 0, 0, 0, 0, 0 }, 2f)]
    public void ReadsEveryNumberType(string dtype, byte[] one, float expected)
    {
        // 19 copies: vector loops and what they leave over.
        var data = Enumerable.Repeat(one, 19).SelectMany(b => b).ToArray();
        var file = HostileSafetensorsTests.File($$$"""{"t":{"dtype":"{{{dtype}}}","shape":[19],"data_offsets":[0,{{{data.Length}}}]}}""");
        var state = AdapterState.FromBytes([.. file, .. data]);
        Assert.Equal(Enumerable.Repeat(expected, 19), state["t"].Values);
    }

    [Fact]
    public void BytesOfAFileAreReadWithoutItsMappingAndACutFileIsNamed()
    {
        var path = Path.Combine(_folder, "model.safetensors");
        new AdapterState([new AdapterTensor("a", [3], [1, 2, 3]), new AdapterTensor("b", [2, 2], [4, 5, 6, 7])]).Save(path);
        using var file = SafetensorsFile.Open(path);
        var values = new float[4];
        file.ReadBytes("b", MemoryMarshal.AsBytes(values.AsSpan()));
        Assert.Equal([4f, 5, 6, 7], values);
        Assert.Throws<ArgumentException>(() => file.ReadBytes("b", new byte[15]));
        using (var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            RandomAccess.SetLength(handle, RandomAccess.GetLength(handle) - 1);
        Assert.Equal("safetensors-invalid", Assert.Throws<FedLoraException>(() => file.ReadBytes("b", new byte[16])).Code);
    }

    [Fact]
    public void KeepsNaNsAndInfinitiesAsTheyAreStored()
    {
        foreach (var value in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity, -0f, float.Epsilon])
        {
            var state = new AdapterState([new AdapterTensor("t", [1], [value])]);
            Assert.Equal(BitConverter.SingleToInt32Bits(value),
                BitConverter.SingleToInt32Bits(AdapterState.FromBytes(state.ToBytes())["t"].Values[0]));
        }
    }

    [Fact]
    public void EqualContentHasEqualBytesInWhateverOrderItCame()
    {
        AdapterTensor[] tensors = [new("b", [2], [1, 2]), new("a", [1, 2], [3, 4]), new("B", [0], [])];
        var one = new AdapterState(tensors);
        var two = new AdapterState(tensors.Reverse());
        Assert.Equal(one.ToBytes(), two.ToBytes());
        Assert.Equal(one.Hash, two.Hash);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(one.ToBytes())), one.Hash);
        Assert.Equal(["B", "a", "b"], one.Names);
        Assert.Equal(one.ToBytes().Length, SafetensorsWriter.FileLength([.. one.Select(t => (t.Name, t.Shape))]));
        Assert.NotEqual(one.Hash, one.With([new AdapterTensor("b", [2], [1, 3])]).Hash);
    }

    [Fact]
    public void TheMappingGivesRawBytesWithoutCopy()
    {
        var path = Path.Combine(_folder, "a.safetensors");
        new AdapterState([new("x", [3], [1, 2, 3]), new("y", [2, 1], [4, 5])]).Save(path);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal([4f, 5f], MemoryMarshal.Cast<byte, float>(file.Bytes("y")).ToArray());
        Assert.Equal(SafetensorsDtype.F32, file.Entry("y").Dtype);
        Assert.Equal(file.Address("x") + 12, file.Address("y"));
        Assert.Equal("tensor-missing", Assert.Throws<FedLoraException>(() => file.Bytes("z")).Code);
    }

    [Fact]
    [Trait("Category", "Fixtures")]
    public void WritesTheBytesThatTheReferenceImplementationWrites()
    {
        foreach (var file in Fixtures.Files("models", "adapter_model.safetensors"))
        {
            var path = Fixtures.PathOf("models", file);
            var original = File.ReadAllBytes(path);
            var state = AdapterState.Load(path);
            Assert.True(original.AsSpan().SequenceEqual(state.ToBytes()), file);
            Assert.Equal(state.Hash, AdapterState.FromBytes(original).Hash);
        }
    }

    [Fact]
    [Trait("Category", "Fixtures")]
    public void AShardedFolderHoldsTheModel()
    {
        foreach (var index in Fixtures.Files("models", "model.safetensors.index.json"))
        {
            var path = Path.GetDirectoryName(Fixtures.PathOf("models", index))!;
            var whole = Path.GetDirectoryName(path)!;
            using var sharded = SafetensorsFolder.Open(path);
            Assert.NotEmpty(sharded.Names);
            if (!File.Exists(Path.Combine(whole, "model.safetensors")))
                continue;
            using var single = SafetensorsFolder.Open(whole);
            Assert.Equal(single.Names.Order(StringComparer.Ordinal), sharded.Names.Order(StringComparer.Ordinal));
            foreach (var name in single.Names)
                Assert.Equal(single.ReadFloats(name), sharded.ReadFloats(name));
        }
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"../a.safetensors"}}""", "not the name of a file")]
    [InlineData("""{"weight_map":{"a":"one.safetensors"}}""", "'b' of")]
    [InlineData("""{"weight_map":{"a":"one.safetensors","b":"one.safetensors","c":"one.safetensors"}}""", "'c' is not in")]
    [InlineData("""{"weights":{}}""", "no readable weight_map")]
    [InlineData("""{"weight_map":[]}""", "no readable weight_map")]
    public void AnIndexThatDoesNotFitIsRefused(string index, string expected)
    {
        new AdapterState([new("a", [1], [1]), new("b", [1], [2])]).Save(Path.Combine(_folder, "one.safetensors"));
        File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"), index);
        var error = Assert.Throws<FedLoraException>(() => SafetensorsFolder.Open(_folder));
        Assert.Equal("safetensors-index-invalid", error.Code);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFullDiskLeavesTheOldFileAndNothingElse()
    {
        var path = Path.Combine(_folder, "a.safetensors");
        AtomicFile.Write(path, [1, 2, 3]);
        var error = Assert.Throws<FedLoraException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write([9, 9]);
            throw new IOException("No space left on device");
        }));
        Assert.Equal("file-write-failed", error.Code);
        Assert.Contains("No space left on device", error.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(_folder));
    }
}
