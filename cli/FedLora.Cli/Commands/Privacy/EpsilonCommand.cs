using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Cli.Plots;
using FedLora.Privacy;
using Spectre.Console;

namespace FedLora.Cli.Commands.Privacy;

/// <summary><c>fedlora privacy epsilon</c>: what so many steps of DP-SGD spend.</summary>
internal static class EpsilonCommand
{
    private const int Points = 40;

    public static Command Create()
    {
        var options = new PrivacyOptions();
        var plot = new Option<FileInfo?>("--plot") { Description = "Also draw epsilon over the steps, as an SVG file." };
        return new Command("epsilon", "The epsilon that so many steps spend, for one example added or removed.")
        {
            options.NoiseMultiplier, options.SamplingRate, options.Steps, options.Delta, options.Count, options.Accountant, plot,
        }.Writes(typeof(EpsilonJson)).RunsOnNumbers((parsed, output, cancellationToken) =>
        {
            options.RequireTraining(parsed);
            output.Advise(parsed.GetValue(options.Delta), parsed.GetValue(options.Count));
            var run = new SampledGaussian(parsed.GetValue(options.NoiseMultiplier), parsed.GetValue(options.SamplingRate),
                parsed.GetValue(options.Steps));
            var (delta, accountant) = (parsed.GetValue(options.Delta), Accountants.Get(parsed.GetValue(options.Accountant)!));
            var bound = accountant.Epsilon([run], delta, cancellationToken);
            output.Remarks(bound);
            if (parsed.GetValue(plot) is { } file)
            {
                AtomicFile.Write(file.FullName, SvgChart.Draw(Curve(run, delta, accountant, output.Remark, cancellationToken)));
                output.Remark($"drawn: {file.FullName}");
            }
            output.Result(new EpsilonJson(bound.Epsilon, bound.Lower, bound.Accountant, bound.Order), console =>
            {
                console.WriteLine($"epsilon {EpsilonText.AtMost(bound.Epsilon, 6)} at delta {delta:0.###e+0} ({bound.Accountant})");
                if (bound.Lower > 0)
                {
                    console.WriteLine(
                        $"the truth lies between {EpsilonText.AtLeast(bound.Lower, 6)} and {EpsilonText.AtMost(bound.Epsilon, 6)}");
                }
                if (bound.Order is { } order)
                    console.WriteLine($"an upper bound, by Renyi order {order}");
            });
            return Task.CompletedTask;
        });
    }

    private static LineChart Curve(SampledGaussian run, double delta, IAccountant chosen, Action<string> remark,
        CancellationToken cancellationToken)
    {
        var accountants = new List<IAccountant> { chosen };
        if (chosen.Name != "rdp")
            accountants.Add(Accountants.Get("rdp"));
        var steps = Enumerable.Range(1, Points).Select(i => Math.Max(1, run.Steps * i / Points)).Distinct().ToList();
        remark($"computing {steps.Count} points ...");
        return new LineChart($"Privacy spent: \u03c3 = {run.NoiseMultiplier:0.###}, q = {run.SamplingRate:0.####}, \u03b4 = {delta:0.#e+0}",
        "steps of DP-SGD", "\u03b5 (upper bound)",
        [
            .. accountants.Select(
                accountant =>
                    new ChartLine(
                        accountant.Name switch
                        {
                            "pld" => "PLD, within 0.01 % of the truth",
                            "rdp" => "RDP",
                            _ => accountant.Name.ToUpperInvariant(),
                        },
                    [
                        // From the end back, so that the transforms of many steps serve the fewer ones too.
                        .. steps.AsEnumerable().Reverse().Select(count =>
                        {
                            return ((double)count, accountant.Epsilon([run with { Steps = count }], delta, cancellationToken).Epsilon);
                        }).Reverse(),
                    ])),
        ]);
    }
}

/// <param name="Epsilon">Upper bound.</param>
/// <param name="Lower">Lower bound; 0 where the accountant knows none.</param>
/// <param name="Accountant">pld, rdp or prv.</param>
/// <param name="Order">The Renyi order that gave it; null but for rdp.</param>
internal sealed record EpsilonJson(double Epsilon, double Lower, string Accountant, double? Order);
