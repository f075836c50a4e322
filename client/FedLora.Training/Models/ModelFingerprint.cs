using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FedLora.Adapters;

namespace FedLora.Training.Models;

/// <summary>
/// Identifies a base model: SHA-256 over its architecture and over the names, types, shapes and bytes of its tensors in order of name.
/// Where and in how many files they lie, and which version of transformers wrote the config, does not matter.
/// </summary>
public static class ModelFingerprint
{
    /// <summary>
    /// 64 lower-case hex digits. Kept in the user's cache by the files' sizes and times, so that only the first call reads them.
    /// </summary>
    /// <exception cref="FedLoraException">As <see cref="BaseModel.Load"/>.</exception>
    public static string Of(string folder)
    {
        // Says what is missing.
        if (!Directory.Exists(folder))
            return Compute(folder);
        var state = StateOf(folder);
        var cached = Path.Combine(CacheFolder.Path, $"model-{state}");
        if (File.Exists(cached) && File.ReadAllText(cached) is { Length: 64 } known)
            return known;
        var fingerprint = Compute(folder);
        CacheFolder.TryWrite(cached, fingerprint);
        return fingerprint;
    }

    /// <summary>The same, always from the files.</summary>
    public static string Compute(string folder, string configFile = "config.json")
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha.AppendData(JsonSerializer.SerializeToUtf8Bytes(ModelFamily.ReadFolder(folder, ModelTask.Hidden, file: configFile)));
        using var weights = SafetensorsFolder.Open(folder);
        foreach (var name in weights.Names.Order(StringComparer.Ordinal))
        {
            var entry = weights.Entry(name);
            sha.AppendData(Encoding.UTF8.GetBytes($"\n{name} {entry.Dtype} {string.Join(',', entry.Shape)}\n"));
            sha.AppendData(weights.FileOf(name).Bytes(name));
        }
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    private static string StateOf(string folder)
    {
        var text = new StringBuilder();
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles().Where(f => f.Extension is ".safetensors" or ".json")
            .OrderBy(f => f.Name, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"{file.FullName}|{file.Length}|{file.LastWriteTimeUtc.Ticks}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..32];
    }
}
