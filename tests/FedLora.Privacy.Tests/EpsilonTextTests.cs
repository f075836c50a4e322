namespace FedLora.Privacy.Tests;

/// <summary>What people read: never less than was spent, never more than is left.</summary>
public sealed class EpsilonTextTests
{
    [Theory]
    [InlineData(0, 4, "0", "0")]
    [InlineData(3.9996, 4, "3.9996", "3.9996")]
    [InlineData(1.20365801, 6, "1.203659", "1.203658")]
    [InlineData(2.00001, 4, "2.0001", "2")]
    [InlineData(9.99999e-10, 6, "1e-9", "9.999e-10")]
    [InlineData(-0.25004, 4, "-0.25", "-0.2501")]
    [InlineData(1.23456e20, 4, "1.235e20", "1.234e20")]
    [InlineData(5e-324, 6, "1e-300", "0")]
    [InlineData(double.PositiveInfinity, 4, "unbounded", "unbounded")]
    public void The_last_digit_is_on_the_safe_side(double epsilon, int decimals, string most, string least)
    {
        Assert.Equal(most, EpsilonText.AtMost(epsilon, decimals));
        Assert.Equal(least, EpsilonText.AtLeast(epsilon, decimals));
    }

    [Fact]
    public void What_is_said_holds_over_all_sizes()
    {
        var random = new Random(13);
        for (var i = 0; i < 20_000; i++)
        {
            var epsilon = Math.Pow(10, (random.NextDouble() * 40) - 20);
            var (most, least) = (double.Parse(EpsilonText.AtMost(epsilon)), double.Parse(EpsilonText.AtLeast(epsilon)));
            Assert.InRange(epsilon, least * (1 - 1e-14), most * (1 + 1e-14));
            Assert.InRange(most - least, 0, Math.Max(1.1e-4, 1.1e-3 * epsilon));
        }
    }
}
