using Xunit.Abstractions;
namespace FedLora.Privacy.Tests;
public sealed class Scratch(ITestOutputHelper output)
{
    [Fact]
    public void Look()
    {
        foreach (var t in AccountingFixtures.Cases())
        {
            var w = System.Diagnostics.Stopwatch.StartNew();
            try { var b = Accountants.Default.Epsilon(t.Runs, t.Delta);
              var ms = w.Elapsed.TotalMilliseconds; w.Restart();
              var again = Accountants.Default.Epsilon([.. t.Runs.Select(r => r with { Steps = r.Steps + 10 })], t.Delta);
              var lo = AccountingFixtures.Number(t.Item, "true_low"); var up = AccountingFixtures.Number(t.Item, "true_up");
              output.WriteLine($"{t.Id} {ms:0} ms, again {w.Elapsed.TotalMilliseconds:0.0}  {b.Lower:R} {b.Epsilon:R} width {(b.Epsilon-b.Lower)/b.Epsilon:E1} up-excess {(b.Epsilon-up)/up:E1} low-deficit {(lo-b.Lower)/lo:E1}  {(b.Epsilon<lo?"WRONG-UP":"")} {(b.Lower>up?"WRONG-LOW":"")}"); }
            catch (Exception e) { output.WriteLine($"{t.Id} {string.Join(";", t.Runs.Select(r=>r.ToString()))} {t.Delta}: {e.Message}"); }
        }
    }
    [Fact]
    public void Debug()
    {
        var s = new FedLora.Privacy.Pld.PldSetup([new SampledGaussian(0.99, 0.008908818245259766, 10000)], 1e-5);
        output.WriteLine($"{s.Ranges[0].Low} {s.Ranges[0].High} {s.Ranges[0].Width} {s.WithSaddle} {s.WithoutSaddle} {s.StepFor(1e-5)} {s.With[0].Kappa.At(1)} {s.With[0].Kappa.At(0)}");
        var h = s.StepFor(1.2e-5);
        var g1 = FedLora.Privacy.Pld.ConnectTheDots.Discretize(s.Ranges[0], h);
        var g2 = FedLora.Privacy.Pld.Merging.Discretize(s.Ranges[0], h);
        output.WriteLine($"{g1.Q.Sum()} {g1.P.Sum()} {g1.Q.Length} {g1.Origin} | {g2.Q.Sum()} {g2.P.Sum()} {g2.Q.Length} {g2.Origin}");
        var fft = new FedLora.Privacy.Numerics.Fft((int)s.SizeFor(h));
        var d = FedLora.Privacy.Pld.Direction.Build(s.With, s.WithSaddle, [(g1, g2)], fft, [5000]);
        foreach (var e in new[] { 5.4, 5.5, 5.6 })
            output.WriteLine($"{d.Upper([10000]).At(e)} {d.Lower([10000]).At(e)}");
        var r = FedLora.Privacy.Pld.Direction.Build(s.Without, s.WithoutSaddle, [(g1.Reverse(), g2.Reverse())], fft, [5000]);
        foreach (var e in new[] { 4.9, 5.0, 5.1 })
            output.WriteLine($"{r.Upper([10000]).At(e)} {r.Lower([10000]).At(e)}");
        output.WriteLine($"{FedLora.Privacy.Pld.PldModel.Build(s, h, fft.Size).Epsilon([10000])}");
    }
}
