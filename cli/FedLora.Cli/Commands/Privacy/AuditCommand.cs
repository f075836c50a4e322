using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Privacy;
using FedLora.Simulations.Audit;
using FedLora.Training.Libtorch;
using Spectre.Console;

namespace FedLora.Cli.Commands.Privacy;

/// <summary>
/// <c>fedlora privacy audit</c>: whether the trainer gives the privacy that the accountant states, by trying to break it.
/// </summary>
internal static class AuditCommand
{
    public static Command Create()
    {
        var defaults = new AuditSettings();
        var runs = new Option<int>("--runs")
        {
            Description = "Short trainings with the canary, and as many without.",
            DefaultValueFactory = _ => defaults.Runs,
        };
        var noise = new Option<double>("--noise-multiplier")
        {
            Description = "sigma.",
            DefaultValueFactory = _ => defaults.NoiseMultiplier,
        };
        var rate = new Option<double>("--sampling-rate") { Description = "q.", DefaultValueFactory = _ => defaults.SamplingRate };
        var steps = new Option<int>("--steps") { Description = "Steps of each training.", DefaultValueFactory = _ => defaults.Steps };
        var delta = new Option<double>("--delta") { Description = "What epsilon is stated at.", DefaultValueFactory = _ => defaults.Delta };
        return new Command("audit",
            "Try to tell trainings with one more example from those without: a lower bound on epsilon, beside the accountant's.")
        {
            runs,
            noise,
            rate,
            steps,
            delta,
        }.Writes(typeof(AuditResult))
            .RunsOnNumbers((parsed, output, cancellationToken) =>
            {
                var settings = new AuditSettings(parsed.GetValue(runs), parsed.GetValue(noise), parsed.GetValue(rate),
                    parsed.GetValue(steps), parsed.GetValue(delta));
                LibtorchLoader.UseThreads(1);
                using var audit = new PrivacyAudit(settings);
                output.Remark($"training a tiny model {6 * settings.Runs} times ...");
                var result = audit.Run(null, cancellationToken);
                var (accounted, mostNoise, leastRate) = (AtMost(result.Accounted), AtMost(result.Noise), AtLeast(result.Rate));
                var (shown, shownWithoutNoise) = (AtLeast(result.Lower), AtLeast(result.LowerWithoutNoise));
                var mu = $"{AtLeast(result.Mu)} of {AtMost(result.AccountedMu)}";
                if (!result.Holds)
                    throw new FedLoraException("audit-failed",
                        $"the trained adapters show epsilon {shown} of {accounted} accounted, mu {mu}, "
                            + $"sampling rate {leastRate} of {settings.SamplingRate:0.###}, and at most {mostNoise} of the noise",
                        "Do not train private data with this build; report it.");
                if (!result.CanFail)
                    throw new FedLoraException("audit-too-weak",
                        $"without noise the audit proves only epsilon {shownWithoutNoise}, not above the {accounted} that is accounted: "
                            + "it would not notice", "Give it more runs, more noise or fewer steps.");
                output.Result(result, console =>
                {
                    console.WriteLine(
                        $"accounted: epsilon at most {accounted} at delta {settings.Delta:0.###e+0} (sigma "
                            + $"{settings.NoiseMultiplier:0.###}, q {settings.SamplingRate:0.###}, {settings.Steps} steps)");
                    console.WriteLine($"shown by {2 * settings.Runs} trainings: epsilon at least {shown} (95 % confidence)");
                    console.WriteLine(
                        $"the noise is at most {mostNoise} of what is accounted (below 1 would be too little); at q = 1 mu is at "
                            + $"least {mu}; q is at least {leastRate} of {settings.SamplingRate:0.###}");
                    console.WriteLine($"shown with the noise turned off: at least {shownWithoutNoise}, so missing noise is noticed");
                    console.WriteLine($"{result.Seconds:0} s");
                });
                return Task.CompletedTask;
            });
    }

    private static string AtMost(double bound) => EpsilonText.AtMost(bound, 3);

    private static string AtLeast(double bound) => EpsilonText.AtLeast(bound, 3);
}
