using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Privacy;
using Spectre.Console;

namespace FedLora.Cli.Commands.Privacy;

/// <summary><c>fedlora privacy noise</c>: how much noise a budget asks for.</summary>
internal static class NoiseCommand
{
    public static Command Create()
    {
        var options = new PrivacyOptions();
        return new Command("noise", "The smallest noise multiplier with which so many steps stay within epsilon.")
        {
            options.Epsilon, options.SamplingRate, options.Steps, options.Delta, options.Count, options.Accountant,
        }.Writes(typeof(NoiseJson)).RunsOnNumbers((parsed, output, cancellationToken) =>
        {
            options.RequireTraining(parsed);
            output.Advise(parsed.GetValue(options.Delta), parsed.GetValue(options.Count));
            var (q, steps, delta) = (parsed.GetValue(options.SamplingRate), parsed.GetValue(options.Steps), parsed.GetValue(options.Delta));
            var accountant = Accountants.Get(parsed.GetValue(options.Accountant)!);
            var sigma = Calibration.NoiseMultiplier(accountant, parsed.GetValue(options.Epsilon), delta, q, steps,
                cancellationToken: cancellationToken);
            var spent = accountant.Epsilon([new SampledGaussian(sigma, q, steps)], delta, cancellationToken);
            output.Remarks(spent);
            output.Result(new NoiseJson(sigma, spent.Epsilon, spent.Accountant),
                console =>
                    console.WriteLine(
                        $"noise multiplier {sigma:0.########} (spends epsilon {EpsilonText.AtMost(spent.Epsilon, 6)} at delta "
                            + $"{delta:0.###e+0}, {spent.Accountant})"));
            return Task.CompletedTask;
        });
    }
}

/// <param name="NoiseMultiplier">sigma.</param>
/// <param name="Epsilon">What the steps then spend.</param>
/// <param name="Accountant">pld, rdp or prv.</param>
internal sealed record NoiseJson(double NoiseMultiplier, double Epsilon, string Accountant);
