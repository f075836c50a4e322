using System.Security.Cryptography;
using System.Text.Json;
using FedLora.Tests;

namespace FedLora.Tokenizers.Tests;

/// <summary>A folder of reference encodings with the tokenizer they were made with, or the reason why that is not here.</summary>
internal static class TokenizerFixture
{
    private static readonly Dictionary<string, (Tokenizer, JsonElement)> Loaded = [];

    public static IEnumerable<string> Names =>
        Fixtures.Folders("tokenizers").Where(name => File.Exists(Fixtures.PathOf("tokenizers", name, "encodings.json")));

    /// <summary>The tokenizer.json: beside the encodings, or fetched into <c>.build/tokenizers</c> (by <c>./fedlora test</c>).</summary>
    public static string? Locate(string name)
    {
        string[] places = [Fixtures.PathOf("tokenizers", name, "tokenizer.json"),
            Path.Combine(Fixtures.Repository, ".build", "tokenizers", name, "tokenizer.json")];
        return Array.Find(places, File.Exists);
    }

    /// <summary>The tokenizer without the truncation and padding of its file, and the encodings.</summary>
    public static (Tokenizer Tokenizer, JsonElement Encodings) Load(string name)
    {
        lock (Loaded)
        {
            if (Loaded.TryGetValue(name, out var known))
                return known;
            var encodings = JsonDocument.Parse(File.ReadAllBytes(Fixtures.PathOf("tokenizers", name, "encodings.json"))).RootElement;
            var file = Locate(name)!;
            Assert.Equal(encodings.GetProperty("tokenizer_json_sha256").GetString(),
                Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file))));
            return Loaded[name] = (Tokenizer.Load(file), encodings);
        }
    }

    public static int[] Ints(this JsonElement item, string name) =>
        [.. item.GetProperty(name).EnumerateArray().Select(value => value.GetInt32())];

    public static string[] Strings(this JsonElement item, string name) =>
        [.. item.GetProperty(name).EnumerateArray().Select(value => value.GetString()!)];

    public static TextSpan[] Spans(this JsonElement item, string name) =>
        [.. item.GetProperty(name).EnumerateArray().Select(span => new TextSpan(span[0].GetInt32(), span[1].GetInt32()))];
}
