using System.Buffers.Binary;
using System.Text;

namespace FedLora.Adapters.Tests;

public sealed class HostileSafetensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-safetensors-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string, byte[], string> Files => new()
    {
        { "empty", [], "only 0 bytes" },
        { "shorter than its length", [1, 2, 3], "only 3 bytes" },
        { "header length overflows", [.. Enumerable.Repeat((byte)0xFF, 8), .. new byte[32]], "above the limit" },
        { "header of 2 GiB", [.. Length(1L << 31), .. new byte[32]], "above the limit" },
        { "header longer than the file", [.. Length(64), (byte)'{', (byte)'}'], "truncated" },
        { "not JSON", File("nonsense"), "cannot be read" },
        { "JSON ends early", File("{\"a\":{\"dtype\":\"F32\""), "ends early|cannot be read" },
        { "an array", File("[]"), "StartObject belongs" },
        { "two objects", File("{}{}"), "more than one object|cannot be read" },
        { "overlap", File(
            """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12),
            "overlapping tensors before tensor 'b'" },
        { "same place", File(
            """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8),
            "overlapping" },
        { "gap", File("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""",
            12), "a gap before tensor 'b'" },
        { "gap at the start", File("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8), "a gap before tensor 'a'" },
        { "bytes left over", File("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8), "4 bytes that belong to no tensor" },
        { "truncated data", File("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7), "truncated" },
        { "shape and bytes differ", File("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8), "tensor 'a'" },
        { "shape overflows", File(
            """{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,0]}}"""), "tensor 'a'" },
        { "shape overflows to zero", File("""{"a":{"dtype":"U8","shape":[9223372036854775807,2],"data_offsets":[0,0]}}"""), "tensor 'a'" },
        { "negative size", File("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4), "negative" },
        { "negative offset", File("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4), "negative" },
        { "broken size", File("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4), "no whole number" },
        { "size of text", File("""{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4), "not a number" },
        { "end before start", File("""{"a":{"dtype":"F32","shape":[0],"data_offsets":[4,0]}}""", 4), "tensor 'a'" },
        { "three offsets", File("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", 4), "lacks" },
        { "no shape", File("""{"a":{"dtype":"F32","data_offsets":[0,4]}}""", 4), "lacks" },
        { "tensor twice", File(
            """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8),
            "tensor 'a' twice" },
        { "shape twice", File("""{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}""", 4), "'shape' twice" },
        { "metadata twice", File("""{"__metadata__":{},"__metadata__":{}}"""), "metadata twice" },
        { "metadata of numbers", File("""{"__metadata__":{"a":1}}"""), "String belongs" },
        { "unknown key", File("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"stride":[1]}}""", 4), "'stride'" },
        { "deep nesting", File("""{"a":{"dtype":{"b":{"c":{"d":{}}}}}}"""), "String belongs|cannot be read" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void IsRefusedInOneLine(string name, byte[] content, string expected)
    {
        var path = Path.Combine(_folder, "x.safetensors");
        System.IO.File.WriteAllBytes(path, content);
        foreach (var read in (Action[])[() => SafetensorsFile.Open(path).Dispose(), () => AdapterState.FromBytes(content, path)])
        {
            var error = Assert.Throws<FedLoraException>(read);
            Assert.Equal("safetensors-invalid", error.Code);
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            Assert.True(expected.Split('|').Any(part => error.Message.Contains(part, StringComparison.Ordinal)),
                $"{name}: {error.Message}");
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Theory]
    [InlineData("F8_E4M3")]
    [InlineData("FLOAT32")]
    [InlineData("3")]
    [InlineData("")]
    public void NamesTheTensorOfAnUnknownType(string dtype)
    {
        var file = File($$$"""{"a":{"dtype":"{{{dtype}}}","shape":[1],"data_offsets":[0,4]}}""", 4);
        var error = Assert.Throws<FedLoraException>(() => AdapterState.FromBytes(file));
        Assert.Equal("safetensors-dtype", error.Code);
        Assert.Contains($"tensor 'a' is of type '{dtype}'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFileThatIsNotThereIsNamed() =>
        Assert.Equal("file-missing", Assert.Throws<FedLoraException>(() => SafetensorsFile.Open(Path.Combine(_folder, "none"))).Code);

    internal static byte[] File(string header, int data = 0) =>
        [.. Length(header.Length), .. Encoding.UTF8.GetBytes(header), .. new byte[data]];

    private static byte[] Length(long length)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length);
        return bytes;
    }
}
