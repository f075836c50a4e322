using System.Security.Cryptography;
using System.Text;
using FedLora.Adapters;

namespace FedLora.Client.Training;

/// <summary>
/// Says whether two folders hold the same base model: SHA-256 over <c>config.json</c>, <c>tokenizer.json</c> and every <c>*.safetensors</c>
/// file, by name, length and bytes. What is not weights, configuration or tokenizer (a model card, a licence) does not count.
/// </summary>
public static class ModelFingerprint
{
    /// <summary>The fingerprint of a model folder, 64 hex digits.</summary>
    /// <exception cref="FedLoraException"><c>model-folder-missing</c>.</exception>
    public static async Task<string> OfAsync(string folder, CancellationToken cancellation)
    {
        if (!Directory.Exists(folder))
            throw new FedLoraException("model-folder-missing", $"there is no model folder {folder}", "give a folder with config.json, tokenizer.json and *.safetensors");
        var files = Directory.EnumerateFiles(folder, "*.safetensors").Select(Path.GetFileName).Concat(["config.json", "tokenizer.json"])
            .OfType<string>().Where(name => File.Exists(Path.Combine(folder, name))).Order(StringComparer.Ordinal);
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in files)
        {
            await using var stream = new FileStream(Path.Combine(folder, name), FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.SequentialScan);
            all.AppendData(Encoding.UTF8.GetBytes($"{name}\n{stream.Length}\n"));
            all.AppendData(await SHA256.HashDataAsync(stream, cancellation));
        }
        return Convert.ToHexStringLower(all.GetHashAndReset());
    }
}
