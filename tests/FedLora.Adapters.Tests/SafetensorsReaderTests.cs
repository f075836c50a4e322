namespace FedLora.Adapters.Tests;

/// <summary>Tensors read one by one without a mapping.</summary>
public sealed class SafetensorsReaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-reader-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FilesWithTheSameHeaderKeepTheirOwnValues(bool inMemory)
    {
        var (one, two) = (Save("one", 1), Save("two", 2));
        using var first = Open(one, inMemory);
        using var second = Open(two, inMemory);
        Assert.Equal([1, 2, 3, 4], Read(first));
        Assert.Equal([2, 4, 6, 8], Read(second));
        using var again = Open(two, inMemory, second.Header);
        Assert.Equal([2, 4, 6, 8], Read(again));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ManyThreadsReadAtOnce(bool inMemory)
    {
        var path = Path.Combine(_folder, "many");
        new AdapterState(Enumerable.Range(0, 200).Select(i => new AdapterTensor($"t{i:D3}", [100], [.. Enumerable.Repeat((float)i, 100)])))
            .Save(path);
        using var reader = Open(path, inMemory);
        Parallel.For(0, 4_000, i => Assert.Equal(Enumerable.Repeat((float)(i % 200), 100), reader.ReadFloats($"t{i % 200:D3}")));
    }

    [Fact]
    public void AStreamIsClosedUnlessItIsLeftOpen()
    {
        using var left = File.OpenRead(Save("left", 1));
        SafetensorsReader.Open(left, "left", leaveOpen: true).Dispose();
        Assert.True(left.CanRead);
        SafetensorsReader.Open(left, "left").Dispose();
        Assert.False(left.CanRead);
        var damaged = new MemoryStream([1, 2, 3]);
        Assert.Throws<FedLoraException>(() => SafetensorsReader.Open(damaged, "damaged", leaveOpen: true));
        Assert.True(damaged.CanRead);
        Assert.Throws<FedLoraException>(() => SafetensorsReader.Open(damaged, "damaged"));
        Assert.False(damaged.CanRead);
    }

    [Fact]
    public void WhatIsMissingOrHasBecomeShorterIsSaid()
    {
        var path = Save("file", 1);
        using var reader = Open(path, inMemory: false);
        Assert.Equal("tensor-missing", Assert.Throws<FedLoraException>(() => reader.Read("other", new float[4])).Code);
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            file.SetLength(file.Length - 3);
        Assert.Equal("safetensors-invalid", Assert.Throws<FedLoraException>(() => Read(reader)).Code);
        Assert.Equal("safetensors-invalid", Assert.Throws<FedLoraException>(() => Open(path, inMemory: false)).Code);
        File.WriteAllText(path, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
        Assert.Contains("Git LFS", Assert.Throws<FedLoraException>(() => Open(path, inMemory: false)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(path, [1, 2, 3]);
        Assert.Equal("safetensors-invalid", Assert.Throws<FedLoraException>(() => Open(path, inMemory: false)).Code);
    }

    private string Save(string name, float factor)
    {
        var path = Path.Combine(_folder, name);
        new AdapterState([new AdapterTensor("t", [2, 2], [factor, 2 * factor, 3 * factor, 4 * factor])]).Save(path);
        return path;
    }

    private static SafetensorsReader Open(string path, bool inMemory, SafetensorsHeader? known = null) =>
        SafetensorsReader.Open(
            inMemory ? new MemoryStream(File.ReadAllBytes(path))
                : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), path, known);

    private static float[] Read(SafetensorsReader reader)
    {
        var values = new float[4];
        reader.Read("t", values);
        return values;
    }
}
