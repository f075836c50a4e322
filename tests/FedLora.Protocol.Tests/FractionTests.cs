using FedLora.Protocol.Definitions;

namespace FedLora.Protocol.Tests;

/// <summary>Shares as people write them.</summary>
public sealed class FractionTests
{
    [Theory]
    [InlineData("0.0625", 0.0625)]
    [InlineData("1/16", 0.0625)]
    [InlineData(" 1 / 4 ", 0.25)]
    [InlineData("-3/2", -1.5)]
    [InlineData("1/0", null)]
    [InlineData("0/0", null)]
    [InlineData("1e308/1e-308", null)]
    [InlineData("1/2/3", null)]
    [InlineData("nan", null)]
    [InlineData("", null)]
    public void A_share_is_a_number_or_a_fraction(string text, double? number) => Assert.Equal(number, Fraction.Parse(text));
}
