namespace FedLora.Federations.Tests;

/// <summary>Numbers as people write them.</summary>
public sealed class NumberTests
{
    [Theory]
    [InlineData("0.0625", 0.0625)]
    [InlineData("1e-5", 1e-5)]
    [InlineData("1/16", 0.0625)]
    [InlineData(" 1 / 4 ", 0.25)]
    [InlineData("-3/2", -1.5)]
    [InlineData("1,5", null)]
    [InlineData("1,000", null)]
    [InlineData("1 000", null)]
    [InlineData("1/0", null)]
    [InlineData("0/0", null)]
    [InlineData("1e308/1e-308", null)]
    [InlineData("1/2/3", null)]
    [InlineData("nan", null)]
    [InlineData("Infinity", null)]
    [InlineData("", null)]
    public void A_number_has_a_point_or_is_a_fraction(string text, double? number) => Assert.Equal(number, Number.Parse(text));

    [Theory]
    [InlineData("12", 12L)]
    [InlineData("-1", -1L)]
    [InlineData("1,000", null)]
    [InlineData("1.0", null)]
    [InlineData(" 1", null)]
    [InlineData("9223372036854775808", null)]
    public void A_whole_number_has_digits_only(string text, long? number) => Assert.Equal(number, Number.ParseWhole(text));

    [Theory]
    [InlineData("rouds", "rounds")]
    [InlineData("Rounds", "rounds")]
    [InlineData("local_step", "local_steps")]
    [InlineData("fedti", "fedit")]
    [InlineData("zzz", null)]
    public void The_nearest_known_word_is_offered(string word, string? near) =>
        Assert.Equal(near, Nearest.To(word, ["rounds", "local_steps", "fedit", "seed"]));

    /// <summary>A key of 50 kB took 27 MB to be compared with the known ones.</summary>
    [Fact]
    public void A_word_of_a_million_letters_is_near_nothing_and_costs_nothing()
    {
        var (word, before) = (new string('a', 1_000_000), GC.GetAllocatedBytesForCurrentThread());
        Assert.Null(Nearest.To(word, ["rounds", "local_steps"]));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }
}
