using System.Diagnostics;

namespace FedLora.Privacy.Tests;

/// <summary>Not beside other tests: it measures what the process takes.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>
/// Settings drawn from the whole domain, also its far corners: every answer in bounded time and memory, and consistent with closed forms.
/// The suite draws a few; FEDLORA_SETTINGS=100000 draws that many (from FEDLORA_FIRST on), FEDLORA_SEED others; FEDLORA_LOG=FILE writes a
/// line for each: seconds of processor time, seconds, MiB, what was asked; and one for whatever does not hold.
/// </summary>
[Collection(nameof(Alone))]
public sealed class GeneratedSettingsTests(ITestOutputHelper output)
{
    private const double MostSeconds = 10;
    private const double MostBytes = 512 * 1024 * 1024;

    private readonly List<string> _wrong = [];
    private (double Seconds, string What) _slowest;
    private double _largest;
    private int _noted;
    private StreamWriter? _log;

    [Fact]
    public void Every_question_is_answered_in_bounds()
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("FEDLORA_SETTINGS") ?? "150");
        var first = int.Parse(Environment.GetEnvironmentVariable("FEDLORA_FIRST") ?? "0");
        var seed = int.Parse(Environment.GetEnvironmentVariable("FEDLORA_SEED") ?? "1");
        using var lines =
            Environment.GetEnvironmentVariable("FEDLORA_LOG") is { } path ? new StreamWriter(path) { AutoFlush = true } : null;
        _log = lines;
        for (var i = first; i < first + count; i++)
            Ask(new Random((seed * 1_000_003) + i), i);
        output.WriteLine(
            $"{count} settings: slowest {_slowest.Seconds:0.00} s of processor time ({_slowest.What}), largest heap {_largest / 1048576:0} "
                + $"MiB, {_noted} said to be wider");
        Assert.True(_wrong.Count == 0, string.Join('\n', _wrong.Take(40)));
    }

    /// <summary>What hung the program once: minutes, gigabytes.</summary>
    [Theory]
    [InlineData("pld", 1e6, 0.5, 1000, 1e-7)]
    [InlineData("pld", 0.3, 1e-6, 37, 1e-5)]
    [InlineData("pld", 0.713306, 8.227693855593084e-9, 44_316_116, 4.466688099675518e-10)]
    [InlineData("prv", 0.02, 0.5, 100_000_000, 1e-7)]
    [InlineData("prv", 0.07507906775447229, 1, 2308, 9.499426429495948E-11)]
    [InlineData("rdp", 0.0001, 0.5, 1000, 1e-7)]
    [InlineData("pld", 0.03720332665238525, 1.3577692123301572E-16, 1, 1.6143844864213965E-59)]
    public void Known_hard_ones(string accountant, double sigma, double q, long steps, double delta)
    {
        Measure($"{accountant} {sigma} {q} {steps} {delta}", () => Bound(Accountants.Get(accountant), [new(sigma, q, steps)], delta));
        Assert.True(_wrong.Count == 0, string.Join('\n', _wrong));
    }

    [Theory]
    [InlineData("pld", 1e-9, 0.01, 1000, 1e-5)]
    [InlineData("prv", 1000, 0.01, 1000, 1e-5)]
    [InlineData("prv", 1000, 1, 10, 1e-5)]
    [InlineData("rdp", 1e-9, 0.01, 1000, 1e-5)]
    [InlineData("pld", 0.00075067317206598, 1.0763159073012125E-12, 4772288, 1.4728618571383043E-06)]
    [InlineData("pld", 51.05469662466064, 2.460096526100485E-18, 43160026, 7.113969728679149E-11)]
    [InlineData("pld", 0.0005301609207870811, 5.423895327363967E-08, 1696, 3.322605316446924E-12)]
    public void Known_hard_searches(string accountant, double epsilon, double q, long steps, double delta)
    {
        Measure($"noise {accountant} {epsilon} {q} {steps} {delta}", () => Noise(Accountants.Get(accountant), epsilon, q, steps, delta));
        Assert.True(_wrong.Count == 0, string.Join('\n', _wrong));
    }

    /// <summary>
    /// Grids of a million cells under a small transform, and a bracket that interpolation crawled along: 74 and 16 s once.
    /// </summary>
    [Theory]
    [InlineData(9.058728056591801E-05, 0.5123469786862489, 9.066582082570352E-09, 0.00014788714587177584)]
    [InlineData(1.8732029913586128, 0.023940310267304307, 3.89173223917593E-11, 0.0011645554114920686)]
    public void Known_hard_counts(double epsilon, double sigma, double q, double delta)
    {
        Measure($"steps {epsilon} {sigma} {q} {delta}", () => Calibration.Steps(Accountants.Default, epsilon, delta, sigma, q));
        Assert.True(_wrong.Count == 0, string.Join('\n', _wrong));
    }

    /// <summary>Asked twice, the second answer was worse: what was remembered had used up effort.</summary>
    [Fact]
    public void What_a_search_found_is_found_again()
    {
        var sigma = Calibration.NoiseMultiplier(Accountants.Default, 0.009027005191024428, 1.5287919156821089E-10, 2.5925685537359197E-06,
            110);
        SampledGaussian[] run = [new(sigma, 2.5925685537359197E-06, 110)];
        Assert.InRange(Accountants.Default.Epsilon(run, 1.5287919156821089E-10).Epsilon, 0, 0.009027005191024428);
        var steps = Calibration.Steps(Accountants.Default, 2.7395330285871135E-09, 3.0428483032701435E-07, 14.041585067234283,
            1.089194185983468E-08);
        run = [new(14.041585067234283, 1.089194185983468E-08, steps)];
        Assert.InRange(Accountants.Default.Epsilon(run, 3.0428483032701435E-07).Epsilon, 0, 2.7395330285871135E-09);
    }

    /// <summary>On a coarse mesh many steps shift the losses around the circle: it said 0.24 instead of 7.3.</summary>
    [Theory]
    [InlineData(0.40671590489134646, 1.9118221479242954E-05, 1_200_000, 1e-8)]
    [InlineData(0.45, 1e-4, 1_000_000, 1e-8)]
    [InlineData(0.8, 0.005, 500_000, 1e-7)]
    public void A_coarse_prv_encloses_the_truth(double sigma, double q, long steps, double delta)
    {
        SampledGaussian[] run = [new(sigma, q, steps)];
        var (prv, pld) = (Accountants.Get("prv").Epsilon(run, delta), Accountants.Default.Epsilon(run, delta));
        Assert.InRange(prv.Epsilon, pld.Lower, 1.3 * pld.Epsilon);
        Assert.InRange(prv.Lower, 0, pld.Epsilon);
    }

    /// <summary>Masses are known to 1e-16; so many steps make more of that than delta, and prv said 0.91 instead of 13.</summary>
    [Fact]
    public void Prv_refuses_what_rounding_hides() =>
        Assert.Equal("privacy-out-of-range", Assert.Throws<FedLoraException>(() => Accountants.Get("prv").Epsilon(
            [new(0.40671590489134646, 1.9118221479242954E-05, 7_298_652)], 4.651930590229789E-11)).Code);

    [Fact]
    public void Work_ends_with_its_caller()
    {
        using var gone = new CancellationTokenSource();
        gone.Cancel();
        foreach (var name in Accountants.Names)
        {
            Assert.ThrowsAny<OperationCanceledException>(() => Accountants.Get(name).Epsilon([new(0.987, 0.0123, 456)], 1e-5, gone.Token));
            Assert.ThrowsAny<OperationCanceledException>(
                () => Calibration.NoiseMultiplier(Accountants.Get(name), 3, 1e-5, 0.0123, 456, cancellationToken: gone.Token));
            Assert.ThrowsAny<OperationCanceledException>(
                () => Calibration.Steps(Accountants.Get(name), 3, 1e-5, 0.987, 0.0123, cancellationToken: gone.Token));
        }
    }

    private void Ask(Random random, int i)
    {
        double Log(double low, double high) => Math.Pow(10, low + ((high - low) * random.NextDouble()));
        var delta = i % 5 == 0 ? Log(-60, -0.01) : Log(-12, -2);
        SampledGaussian Run() => i % 3 == 0
            ? new(Log(-4, 9), random.Next(6) == 0 ? 1 : Log(-18, 0), random.Next(4) == 0 ? 1 : (long)Log(0, 9))
            : new(Log(-1, 2), Log(-4, 0), (long)Log(0, 6));
        var accountant = Accountants.Get(Accountants.Names[i % 8 is 0 or 1 ? i % 8 : 2]);
        var kinds = i % 17 == 0 ? random.Next(2, 200) : i % 7 == 0 ? random.Next(2, 6) : 1;
        SampledGaussian[] runs = [.. Enumerable.Range(0, kinds).Select(_ => Run())];
        var what = $"#{i} {accountant.Name} delta {delta:R} of {kinds}: {string.Join(" + ", runs.Take(3))}";
        switch (i % 10)
        {
            case 4:
                var epsilon = Log(-10, 3);
                Measure($"noise {epsilon:R} {what}",
                    () => Noise(accountant, epsilon, runs[0].SamplingRate, runs[0].Steps, delta, runs[1..]));
                break;
            case 9:
                epsilon = Log(-10, 3);
                Measure($"steps {epsilon:R} {what}", () =>
                {
                    var steps = Refusable(
                        () => (long?)Calibration.Steps(accountant, epsilon, delta, runs[0].NoiseMultiplier, runs[0].SamplingRate,
                            runs[1..]));
                    Require(
                        steps is null or 0
                            || accountant.Epsilon([runs[0] with { Steps = steps.Value }, .. runs[1..]], delta).Epsilon <= epsilon,
                        "too many steps");
                });
                break;
            default:
                Measure(what, () => Bound(accountant, runs, delta));
                break;
        }
    }

    private void Bound(IAccountant accountant, SampledGaussian[] runs, double delta)
    {
        if (Refusable(() => accountant.Epsilon(runs, delta)) is not { } bound)
        {
            Require(accountant.Name != "pld" || runs.Any(run => run.NoiseMultiplier < 1e-3), $"refused: {_refusal}");
            return;
        }
        _noted += bound.Note is null ? 0 : 1;
        Require(
            accountant.Name != "pld" || bound.Note is not null || bound.Epsilon - bound.Lower <= 1e-2 * bound.Epsilon
                || bound.Epsilon < 1e-2, $"{bound} is wide without a word");
        Require(bound.Lower >= 0 && bound.Epsilon >= bound.Lower && double.IsFinite(bound.Epsilon), $"{bound} is no interval");
        // No composition is more private than one of its steps, nor less than all of them by themselves at their shares of delta.
        foreach (var run in runs)
        {
            var least = OneStep.LogDelta(run, bound.Epsilon);
            Require(least <= Math.Log(delta) + 1e-9 * (1 + Math.Abs(least)), $"{bound}: one step of {run} has delta e^{least:R} there");
        }
        if (runs is [{ Steps: 1 } one] && accountant.Name == "pld" && bound.Lower > 0)
            Require(OneStep.LogDelta(one, bound.Lower) >= Math.Log(delta) - 1e-9 * Math.Abs(Math.Log(delta)),
                $"{bound}: the lower end is above the closed form");
    }

    private void Noise(IAccountant accountant, double epsilon, double q, long steps, double delta, SampledGaussian[]? past = null)
    {
        if (Refusable(() => (double?)Calibration.NoiseMultiplier(accountant, epsilon, delta, q, steps, past)) is { } sigma)
        {
            var spent = accountant.Epsilon([new(sigma, q, steps), .. past ?? []], delta);
            Require(spent.Epsilon <= epsilon * (1 + 1e-4), $"sigma {sigma} is too small: {spent}");
        }
    }

    private T? Refusable<T>(Func<T> ask)
    {
        try
        {
            return ask();
        }
        catch (FedLoraException e) when (e.Code is "privacy-out-of-range" or "privacy-budget-too-small")
        {
            _refusal = e.Message;
            return default;
        }
    }

    private string _asked = "";
    private string _refusal = "";

    private void Measure(string what, Action ask)
    {
        _asked = what;
        // What thousands of calls before have left is none of this one's.
        if (GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes > MostBytes / 2)
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var process = Process.GetCurrentProcess();
        var (before, start) = (process.TotalProcessorTime, Stopwatch.GetTimestamp());
        ask();
        process.Refresh();
        var seconds = (process.TotalProcessorTime - before).TotalSeconds;
        _slowest = seconds > _slowest.Seconds ? (seconds, what) : _slowest;
        var bytes = GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes;
        _largest = Math.Max(_largest, bytes);
        _log?.WriteLine($"{seconds:0.000} {Stopwatch.GetElapsedTime(start).TotalSeconds:0.000} {bytes / 1048576} {what}");
        Require(seconds <= MostSeconds, $"took {seconds:0.0} s of processor time");
        Require(bytes <= MostBytes, $"took {bytes / 1048576} MiB");
    }

    private void Require(bool holds, string message)
    {
        if (holds)
            return;
        _wrong.Add($"{_asked}: {message}");
        _log?.WriteLine($"WRONG {_asked}: {message}");
    }
}
