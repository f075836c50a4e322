using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers.Tests;

public sealed class RunePatternTests
{
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
