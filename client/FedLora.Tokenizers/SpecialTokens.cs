using System.Text.Json;

namespace FedLora.Tokenizers;

/// <summary>
/// The tokens with a role, as <c>tokenizer_config.json</c> or <c>special_tokens_map.json</c> name them; null where none is named.
/// </summary>
public sealed record SpecialTokens(string? Pad, string? Unknown, string? BeginOfText, string? EndOfText, string? Classify, string? Separate,
    string? Mask)
{
    /// <summary>None known.</summary>
    public static SpecialTokens None { get; } = new(null, null, null, null, null, null, null);

    /// <summary>Reads the files beside a tokenizer.json; the first that names a role wins.</summary>
    internal static SpecialTokens Load(string folder)
    {
        var result = None;
        foreach (var name in (string[])["tokenizer_config.json", "special_tokens_map.json"])
        {
            var path = Path.Combine(folder, name);
            if (!File.Exists(path))
                continue;
            try
            {
                using var document = JsonDocument.Parse(File.ReadAllBytes(path));
                var root = document.RootElement;
                result = new SpecialTokens(result.Pad ?? Name(root, "pad_token"), result.Unknown ?? Name(root, "unk_token"),
                    result.BeginOfText ?? Name(root, "bos_token"),
                    result.EndOfText ?? Name(root, "eos_token"), result.Classify ?? Name(root, "cls_token"),
                    result.Separate ?? Name(root, "sep_token"), result.Mask ?? Name(root, "mask_token"));
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                throw new FedLoraException("tokenizer-invalid", $"{path} is not the JSON that it should be: {e.Message}",
                    "Fetch the file again from where the model came from.", e);
            }
        }
        return result;
    }

    private static string? Name(JsonElement root, string role) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty(role, out var value)
            ? value.ValueKind switch
            {
                JsonValueKind.String => value.GetString(),
                JsonValueKind.Object when value.TryGetProperty("content", out var content) => content.GetString(),
                _ => null,
            }
            : null;
}
