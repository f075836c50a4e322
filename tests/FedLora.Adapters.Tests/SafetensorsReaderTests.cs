namespace FedLora.Adapters.Tests;

/// <summary>Tensors read one by one without a mapping.</summary>
public sealed class SafetensorsReaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-reader-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void FilesWithTheSameHeaderKeepTheirOwnValues()
    {
        var (one, two) = (Save("one", 1), Save("two", 2));
        using var first = SafetensorsReader.Open(one);
        using var second = SafetensorsReader.Open(two);
        Assert.Equal([1, 2, 3, 4], Read(first));
        Assert.Equal([2, 4, 6, 8], Read(second));
        using var again = SafetensorsReader.Open(two, second.Header);
        Assert.Equal([2, 4, 6, 8], Read(again));
    }

    [Fact]
    public void WhatIsMissingOrHasBecomeShorterIsSaid()
    {
        var path = Save("file", 1);
        using var reader = SafetensorsReader.Open(path);
        Assert.Equal("tensor-missing", Assert.Throws<FedLoraException>(() => reader.Read("other", new float[4])).Code);
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            file.SetLength(file.Length - 3);
        Assert.Equal("safetensors-invalid", Assert.Throws<FedLoraException>(() => Read(reader)).Code);
        Assert.Equal("safetensors-invalid", Assert.Throws<FedLoraException>(() => SafetensorsReader.Open(path)).Code);
        Assert.Equal("file-missing", Assert.Throws<FedLoraException>(() => SafetensorsReader.Open(path + "x")).Code);
        File.WriteAllBytes(path, [1, 2, 3]);
        Assert.Equal("safetensors-invalid", Assert.Throws<FedLoraException>(() => SafetensorsReader.Open(path)).Code);
    }

    private string Save(string name, float factor)
    {
        var path = Path.Combine(_folder, name);
        new AdapterState([new AdapterTensor("t", [2, 2], [factor, 2 * factor, 3 * factor, 4 * factor])]).Save(path);
        return path;
    }

    private static float[] Read(SafetensorsReader reader)
    {
        var values = new float[4];
        reader.Read("t", values);
        return values;
    }
}
