using FedLora.Privacy.Rdp;

namespace FedLora.Privacy.Tests;

/// <summary>Far from the usual: a correct number or a clear refusal, never NaN and never an under-estimate.</summary>
public sealed class ExtremeInputTests(ITestOutputHelper output)
{
    public static TheoryData<double, double, long, double> Extremes()
    {
        var data = new TheoryData<double, double, long, double>();
        data.Add(0.05, 0.5, 10, 1e-5);
        data.Add(1, 1e-6, 100, 1e-12);
        data.Add(0.3, 1e-6, 37, 1e-5);
        data.Add(1e5, 0.1, 1000, 1e-9);
        data.Add(0.001, 0.1, 10, 1e-5);
        foreach (var sigma in new[] { 0.3, 1, 300 })
            foreach (var q in new[] { 1e-3, 0.5, 1 })
                foreach (var steps in new long[] { 1, 37, 1_000_000 })
                    foreach (var delta in new[] { 1e-12, 0.01 })
                        data.Add(sigma, q, steps, delta);
        return data;
    }

    [Fact]
    public void The_interval_is_tight_and_below_renyi()
    {
        var wrong = new List<string>();
        foreach (var row in Extremes())
        {
            var (sigma, q, steps, delta) = row.Data;
            var watch = System.Diagnostics.Stopwatch.StartNew();
            string at = $"sigma {sigma} q {q} T {steps} delta {delta}", result;
            try
            {
                var bound = Accountants.Default.Epsilon([new(sigma, q, steps)], delta);
                var rdp = new RdpAccountant().Epsilon([new(sigma, q, steps)], delta).Epsilon;
                result = $"{bound.Lower:G8} {bound.Epsilon:G8} width {(bound.Epsilon - bound.Lower) / bound.Epsilon:E1} rdp {rdp:G6}";
                if (!(bound.Lower >= 0 && bound.Epsilon >= bound.Lower && double.IsFinite(bound.Epsilon)))
                    wrong.Add($"{at}: {result} is no interval");
                else if (bound.Lower > rdp * (1 + 1e-9))
                    wrong.Add($"{at}: {result} lower bound above an upper bound");
                else if (bound.Epsilon - bound.Lower > 1e-4 * bound.Epsilon && q * steps >= 1e-3)
                    wrong.Add($"{at}: {result} wide");
            }
            catch (FedLoraException e)
            {
                result = e.Message;
            }
            if (watch.Elapsed.TotalSeconds > 2)
                result += $" SLOW {watch.Elapsed.TotalSeconds:0.0} s";
            output.WriteLine($"{at}: {result}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData(0, 0.1, 1, 1e-5)]
    [InlineData(-1, 0.1, 1, 1e-5)]
    [InlineData(double.NaN, 0.1, 1, 1e-5)]
    [InlineData(1, -0.1, 1, 1e-5)]
    [InlineData(1, 1.1, 1, 1e-5)]
    [InlineData(1, double.NaN, 1, 1e-5)]
    [InlineData(1, 0.1, -1, 1e-5)]
    [InlineData(1, 0.1, 1, 0)]
    [InlineData(1, 0.1, 1, 1)]
    [InlineData(1, 0.1, 1, double.NaN)]
    public void Nonsense_is_refused(double sigma, double q, long steps, double delta)
    {
        foreach (var name in Accountants.Names)
            Assert.Equal("privacy-invalid", Assert.Throws<FedLoraException>(() => Accountants.Get(name).Epsilon([new(sigma, q, steps)], delta)).Code);
    }

    [Fact]
    public void Nothing_spent_is_zero()
    {
        foreach (var name in Accountants.Names)
        {
            Assert.Equal(0, Accountants.Get(name).Epsilon([], 1e-5).Epsilon);
            Assert.Equal(0, Accountants.Get(name).Epsilon([new(1, 0, 100), new(1, 0.5, 0)], 1e-5).Epsilon);
        }
    }
}
