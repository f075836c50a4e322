using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Privacy;
using Spectre.Console;

namespace FedLora.Cli.Commands.Privacy;

/// <summary><c>fedlora privacy steps</c>: how long a budget lasts.</summary>
internal static class StepsCommand
{
    public static Command Create()
    {
        var options = new PrivacyOptions();
        return new Command("steps", "The largest number of steps that stays within epsilon.")
        {
            options.Epsilon, options.NoiseMultiplier, options.SamplingRate, options.Delta, options.Count, options.Accountant,
        }.Writes(typeof(StepsJson)).RunsOnNumbers((parsed, output, cancellationToken) =>
        {
            options.RequireTraining(parsed);
            output.Advise(parsed.GetValue(options.Delta), parsed.GetValue(options.Count));
            var (sigma, q, delta) = (parsed.GetValue(options.NoiseMultiplier), parsed.GetValue(options.SamplingRate),
                parsed.GetValue(options.Delta));
            var accountant = Accountants.Get(parsed.GetValue(options.Accountant)!);
            var steps = Calibration.Steps(accountant, parsed.GetValue(options.Epsilon), delta, sigma, q,
                cancellationToken: cancellationToken);
            var spent = accountant.Epsilon([new SampledGaussian(sigma, q, steps)], delta, cancellationToken);
            output.Remarks(spent);
            var closest = Accountants.Default;
            if (steps == 0 && accountant.Name != closest.Name
                && Calibration.Steps(closest, parsed.GetValue(options.Epsilon), delta, sigma, q, cancellationToken: cancellationToken)
                    is > 0 and var fit)
                output.Remark($"{accountant.Name} cannot show epsilons this small; by --accountant {closest.Name} it is {fit} steps");
            output.Result(new StepsJson(steps, spent.Epsilon, spent.Accountant),
                console =>
                    console.WriteLine(
                        $"{steps} steps (spend epsilon {EpsilonText.AtMost(spent.Epsilon, 6)} at delta {delta:0.###e+0}, "
                            + $"{spent.Accountant})"));
            return Task.CompletedTask;
        });
    }
}

/// <param name="Steps">The largest number that stays within epsilon.</param>
/// <param name="Epsilon">What they spend.</param>
/// <param name="Accountant">pld, rdp or prv.</param>
internal sealed record StepsJson(long Steps, double Epsilon, string Accountant);
