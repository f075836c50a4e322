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
                else if (bound.Epsilon - bound.Lower > 1e-4 * bound.Epsilon && q * steps >= 1e-3 && sigma >= 0.02)
                    wrong.Add($"{at}: {result} wide");
                else if (bound.Epsilon - bound.Lower > 1e-2 * bound.Epsilon && bound.Note is null)
                    wrong.Add($"{at}: {result} wide without a word");
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

    /// <summary>One step where 1 - q is 1 in double precision or delta is far below it: the closed form at 60 digits.</summary>
    [Theory]
    [InlineData(0.1, 1e-17, 1e-20, 40.888579513251716)]
    [InlineData(0.1, 1e-16, 1e-20, 49.499992319285953)]
    [InlineData(0.1, 1e-30, 1e-40, 43.762773914410861)]
    [InlineData(1, 1e-12, 1e-14, 9.1532011530340674e-12)]
    [InlineData(30, 1e-18, 1e-24, 1.3048986550027513e-19)]
    [InlineData(0.02, 1e-300, 1e-305, 771.50948806656608)]
    [InlineData(1e5, 1e-3, 1e-15, 4.8821141156736058e-8)]
    public void A_single_rare_step_is_its_closed_form(double sigma, double q, double delta, double truth)
    {
        var bound = Accountants.Default.Epsilon([new(sigma, q, 1)], delta);
        Assert.InRange(bound.Epsilon, truth * (1 - 1e-13), truth * (1 + 1e-7));
        Assert.InRange(bound.Lower, truth * (1 - 1e-7), truth * (1 + 1e-13));
        // Two such steps are no more private than one, and no less than each at half of delta.
        var two = Accountants.Default.Epsilon([new(sigma, q, 2)], delta);
        Assert.InRange(two.Epsilon, truth * (1 - 1e-13),
            2 * Accountants.Default.Epsilon([new(sigma, q, 1)], delta / 2).Epsilon * (1 + 1e-9));
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
            Assert.Equal("privacy-invalid",
                Assert.Throws<FedLoraException>(() => Accountants.Get(name).Epsilon([new(sigma, q, steps)], delta)).Code);
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
