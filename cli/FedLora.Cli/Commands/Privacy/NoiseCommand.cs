using System.CommandLine;
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
        }.RunsOnNumbers((parsed, output, cancellation) =>
        {
            options.RequireTraining(parsed);
            output.Advise(parsed.GetValue(options.Delta), parsed.GetValue(options.Count));
            var (q, steps, delta) = (parsed.GetValue(options.SamplingRate), parsed.GetValue(options.Steps), parsed.GetValue(options.Delta));
            var accountant = Accountants.Get(parsed.GetValue(options.Accountant)!);
            var sigma = Calibration.NoiseMultiplier(accountant, parsed.GetValue(options.Epsilon), delta, q, steps, cancellation: cancellation);
            var spent = accountant.Epsilon([new SampledGaussian(sigma, q, steps)], delta, cancellation);
            output.Remarks(spent);
            output.Result(new { NoiseMultiplier = sigma, spent.Epsilon, spent.Accountant },
                console => console.WriteLine($"noise multiplier {sigma:0.######} (spends epsilon {spent.Epsilon:0.######} at delta {delta:0.###e+0}, {spent.Accountant})"));
            return Task.CompletedTask;
        });
    }
}
