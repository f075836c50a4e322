using System.Globalization;
using System.Text.Json;
using FedLora.Tests;
using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers.Tests;

/// <summary>Character tables equal to those measured in the library, over all code points.</summary>
[Trait("Category", "Fixtures")]
public sealed class UnicodeProbeTests
{
    [FixtureTheory("tokenizers", "unicode_probe.json")]
    [InlineData("clean_removed"), InlineData("cjk_padded"), InlineData("accent_removed"), InlineData("bert_punct"),
        InlineData("bert_space"), InlineData("digits")]
    [InlineData("regex_L"), InlineData("regex_N"), InlineData("regex_M"), InlineData("regex_Lu"), InlineData("regex_Ll"),
        InlineData("regex_Lt"), InlineData("regex_Lm"), InlineData("regex_Lo"), InlineData("regex_s")]
    public void Tables(string table)
    {
        var probe = JsonDocument.Parse(File.ReadAllBytes(Fixtures.PathOf("tokenizers", "unicode_probe.json"))).RootElement;
        var expected = new bool[0x110000];
        foreach (var range in probe.GetProperty(table).EnumerateArray())
            Array.Fill(expected, true, range[0].GetInt32(), range[1].GetInt32() - range[0].GetInt32() + 1);
        var test = Test(table);
        for (var rune = 0; rune < expected.Length; rune++)
        {
            if (rune is < 0xD800 or > 0xDFFF)
                Assert.True(expected[rune] == test(rune), $"{table}: U+{rune:X4} should be {expected[rune]}");
        }
    }

    private static Func<int, bool> Test(string table) => table switch
    {
        "clean_removed" => UnicodeData.Removed.Contains,
        "cjk_padded" => UnicodeData.IsPaddedIdeograph,
        "accent_removed" => UnicodeData.NonSpacing.Contains,
        "bert_punct" => UnicodeData.Punctuation.Contains,
        "bert_space" => UnicodeData.WhiteSpace.Contains,
        "digits" => UnicodeData.Numeric.Contains,
        "regex_s" => Matches(@"\s"),
        _ => Matches(string.Create(CultureInfo.InvariantCulture, $@"\p{{{table["regex_".Length..]}}}")),
    };

    private static Func<int, bool> Matches(string pattern)
    {
        var compiled = RunePattern.Compile(pattern);
        return rune => compiled.MatchAt([rune], 0) == 1;
    }
}
