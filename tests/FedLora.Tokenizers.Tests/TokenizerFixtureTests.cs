using System.Text.Json;

namespace FedLora.Tokenizers.Tests;

/// <summary>
/// Ids, tokens, offsets, special tokens, pairs, truncation, padding and decoding equal to those of Hugging Face's library.
/// </summary>
[Trait("Category", "Fixtures")]
public sealed class TokenizerFixtureTests
{
    [Theory, VocabularyData]
    public void Single_texts(string name)
    {
        var (tokenizer, encodings) = TokenizerFixture.Load(name);
        Each(encodings, "items", item =>
        {
            var text = item.GetProperty("text").GetString()!;
            var plain = tokenizer.With(null, null).Encode(text, addSpecial: false);
            Assert.Equal(item.Ints("ids"), plain.Ids);
            Assert.Equal(item.Strings("tokens"), plain.Tokens);
            Assert.Equal(item.Spans("offsets"), plain.Offsets);
            var full = tokenizer.With(null, null).Encode(text);
            Assert.Equal(item.Ints("ids_special"), full.Ids);
            Assert.Equal(item.Ints("special_mask"), full.SpecialMask);
            Assert.Equal(item.GetProperty("decoded").GetString(), tokenizer.Decode(plain.Ids));
            Assert.Equal(item.GetProperty("decoded").GetString(), tokenizer.Decode(full.Ids));
            Assert.Equal(item.GetProperty("decoded_keep_special").GetString(), tokenizer.Decode(full.Ids, skipSpecial: false));
            if (!item.TryGetProperty("trunc16", out var expected))
                return;
            var cut = tokenizer.With(new Truncation(16), null).Encode(text);
            Assert.Equal(expected.Ints("ids"), cut.Ids);
            Assert.Equal(expected.Spans("offsets"), cut.Offsets);
            Assert.Equal(full.Count - cut.Count, cut.Truncated);
        });
    }

    [Theory, VocabularyData]
    public void Pairs(string name)
    {
        var (tokenizer, encodings) = TokenizerFixture.Load(name);
        Each(encodings, "pairs", item =>
        {
            var (a, b) = (item.GetProperty("a").GetString()!, item.GetProperty("b").GetString()!);
            var full = tokenizer.With(null, null).Encode(a, b);
            Assert.Equal(item.Ints("ids"), full.Ids);
            Assert.Equal(item.Ints("type_ids"), full.TypeIds);
            Assert.Equal(item.Strings("tokens"), full.Tokens);
            Assert.Equal(item.Spans("offsets"), full.Offsets);
            Assert.Equal(item.Ints("special_mask"), full.SpecialMask);
            var plain = tokenizer.With(null, null).Encode(a, b, addSpecial: false);
            Assert.Equal(item.Ints("ids_no_special"), plain.Ids);
            Assert.Equal(item.Ints("type_ids_no_special"), plain.TypeIds);
            foreach (var (key, strategy) in new[]
            {
                ("trunc16", TruncationStrategy.LongestFirst),
                ("trunc16_only_first", TruncationStrategy.OnlyFirst),
                ("trunc16_only_second", TruncationStrategy.OnlySecond),
            })
            {
                if (!item.TryGetProperty(key, out var expected))
                    continue;
                var truncating = tokenizer.With(new Truncation(16, strategy), null);
                if (expected.ValueKind == JsonValueKind.Null)
                {
                    Assert.Equal("tokenizer-truncation", Assert.Throws<FedLoraException>(() => truncating.Encode(a, b)).Code);
                    continue;
                }
                var cut = truncating.Encode(a, b);
                Assert.Equal(expected.Ints("ids"), cut.Ids);
                Assert.Equal(expected.Ints("type_ids"), cut.TypeIds);
                Assert.Equal(expected.Spans("offsets"), cut.Offsets);
            }
        });
    }

    [Theory, VocabularyData]
    public void Decoding_of_any_ids(string name)
    {
        var (tokenizer, encodings) = TokenizerFixture.Load(name);
        Each(encodings, "decode", item =>
        {
            Assert.Equal(item.GetProperty("decoded").GetString(), tokenizer.Decode(item.Ints("ids")));
            Assert.Equal(item.GetProperty("decoded_keep_special").GetString(), tokenizer.Decode(item.Ints("ids"), skipSpecial: false));
        });
    }

    [Theory, VocabularyData]
    public void Truncation_and_padding_of_the_file(string name)
    {
        var (tokenizer, encodings) = TokenizerFixture.Load(name);
        Each(encodings, "as_file", item =>
        {
            var encoded = tokenizer.Encode(item.GetProperty("text").GetString()!);
            Assert.Equal(item.Ints("ids"), encoded.Ids);
            Assert.Equal(item.Ints("attention_mask"), encoded.AttentionMask);
            Assert.Equal(item.Ints("type_ids"), encoded.TypeIds);
            Assert.Equal(item.Ints("special_mask"), encoded.SpecialMask);
        });
    }

    [Theory, VocabularyData]
    public void Rendered_conversations(string name)
    {
        var (tokenizer, encodings) = TokenizerFixture.Load(name);
        Each(encodings, "chat",
            item => Assert.Equal(item.Ints("ids"),
                tokenizer.With(null, null).Encode(item.GetProperty("rendered").GetString()!, addSpecial: false).Ids));
    }

    // Names every case that fails, not only the first.
    private static void Each(JsonElement encodings, string list, Action<JsonElement> check)
    {
        if (!encodings.TryGetProperty(list, out var items))
            return;
        var failures = new List<string>();
        foreach (var item in items.EnumerateArray())
        {
            try
            {
                check(item);
            }
            catch (Xunit.Sdk.XunitException e)
            {
                failures.Add($"{item.GetRawText()[..Math.Min(160, item.GetRawText().Length)]}: {e.Message}");
            }
        }
        Assert.True(failures.Count == 0, $"{failures.Count} of {items.GetArrayLength()} differ:\n{string.Join('\n', failures.Take(8))}");
    }
}
