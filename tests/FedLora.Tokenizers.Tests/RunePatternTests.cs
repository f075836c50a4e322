using System.Text.RegularExpressions;
using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers.Tests;

public sealed class RunePatternTests
{
    // .NET's engine as the oracle, over the first plane, where both mean the same by a character.
    [Theory]
    [InlineData(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")]
    [InlineData(@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")]
    [InlineData(
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| "
            + @"?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")]
    [InlineData(@"[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+")]
    [InlineData(@"(?:ab|a)+?c|(?:a?b)*d|a{2,4}b|x(?=y)|(?<!a)1|[a-c]{0,2}2")]
    public void Matches_are_those_of_dotnet(string pattern)
    {
        var (compiled, oracle) = (RunePattern.Compile(pattern), new Regex(pattern, RegexOptions.CultureInvariant));
        const string Alphabet = "aaabbcdxyzsStLEre''  \n\r\t\u00a0\u300012345.,!?-()\u00e9\u0301\u4e2d\u3042\u0e01\u0627\u00bd\u20ac";
        var random = new Random(3);
        for (var i = 0; i < 2000; i++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(0, 40)).Select(_ => Alphabet[random.Next(Alphabet.Length)])]);
            var found = new List<(int, int)>();
            compiled.FindAll([.. text.Select(c => (int)c)], found);
            Assert.Equal(oracle.Matches(text).Select(match => (match.Index, match.Index + match.Length)), found);
        }
    }

    [Theory]
    [InlineData("a|b+", "xabbba", "a bbb a")]
    [InlineData("(?:ab)+", "ababxab", "abab ab")]
    [InlineData("(?:ab)+?", "abab", "ab ab")]
    [InlineData("a{2,3}", "aaaaaa", "aaa aaa")]
    [InlineData("a{2,}?", "aaaa", "aa aa")]
    [InlineData("a*+a", "aaa", "")]
    [InlineData("(?>a+)a|b", "aab", "b")]
    [InlineData("x(?=y)", "xyxz", "x")]
    [InlineData("x(?!y)", "xyxz", "x")]
    [InlineData("(?<=a)b", "abb", "b")]
    [InlineData("(?<!a)b", "abb", "b")]
    [InlineData("(?i:'S)|\\d+", "'s'S12", "'s 'S 12")]
    [InlineData("(?i)k", "kK\u212a", "k K \u212a")]
    [InlineData("[^a-c&&[^x]]+", "axyb", "xy")]
    [InlineData("[a-z&&[^aeiou]]+", "abcde", "bcd")]
    [InlineData("[\\]\\-x]+", "x]-y", "x]-")]
    [InlineData("^a|b$", "aab", "a b")]
    [InlineData("\\bcat\\b", "cat cats", "cat")]
    [InlineData("\\p{L}+", "\U0001D400\U00010400a1", "\U0001D400\U00010400a")]
    [InlineData("(?:a?)*b", "aab", "aab")]
    public void Matches(string pattern, string text, string expected)
    {
        int[] runes = [.. text.EnumerateRunes().Select(rune => rune.Value)];
        var found = new List<(int Start, int End)>();
        RunePattern.Compile(pattern).FindAll(runes, found);
        var matches = found.Select(match => string.Concat(runes[match.Start..match.End].Select(char.ConvertFromUtf32)));
        Assert.Equal(expected, string.Join(' ', matches));
    }

    [Fact]
    public void A_run_of_spaces_leaves_its_last_to_the_word()
    {
        var found = new List<(int Start, int End)>();
        RunePattern.Compile("\\s+(?!\\S)|\\s+").FindAll([' ', ' ', ' ', 'a'], found);
        Assert.Equal([(0, 2), (2, 3)], found);
    }

    [Theory]
    [InlineData("(a")]
    [InlineData("a)")]
    [InlineData("*a")]
    [InlineData("[a")]
    [InlineData("\\p{Klingon}")]
    [InlineData("a{3,2}")]
    [InlineData("(?<=a+)b")]
    [InlineData("\\y")]
    public void What_is_not_understood_is_said(string pattern) => Assert.Throws<FormatException>(() => RunePattern.Compile(pattern));
}
