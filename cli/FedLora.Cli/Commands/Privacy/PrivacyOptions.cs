using System.CommandLine;
using FedLora.Privacy;

namespace FedLora.Cli.Commands.Privacy;

/// <summary>The options that the accounting commands share.</summary>
internal sealed class PrivacyOptions
{
    public Option<double> NoiseMultiplier { get; } = new("--noise-multiplier")
    {
        Description = "sigma: the noise's standard deviation over the clipping norm.",
        Required = true,
    };

    public Option<double> SamplingRate { get; } = new("--sampling-rate")
    {
        Description = "q: the probability that a step takes an example, 0 to 1.",
        Required = true,
    };

    public Option<long> Steps { get; } = new("--steps") { Description = "Number of steps; empty batches count.", Required = true };

    public Option<double> Delta { get; } = new("--delta")
    {
        Description = "delta, well below one over the number of examples.",
        Required = true,
    };

    public Option<long?> Count { get; } = new("--count")
    {
        Description = "About how many examples there are: says when delta is too large for them.",
    };

    public Option<double> Epsilon { get; } = new("--epsilon") { Description = "epsilon that may be spent.", Required = true };

    public Option<string> Accountant { get; } = Choice();

    /// <summary>Nothing trained spends nothing, but nobody asks for that: it is a slip.</summary>
    /// <exception cref="UsageException">q or the steps are 0.</exception>
    public void RequireTraining(ParseResult parsed)
    {
        if (parsed.GetResult(SamplingRate) is not null && parsed.GetValue(SamplingRate) == 0)
            throw new UsageException("the sampling rate is 0, with which nothing is ever trained",
                "Give the expected batch over the number of examples, above 0 and at most 1.");
        if (parsed.GetResult(Steps) is not null && parsed.GetValue(Steps) == 0)
            throw new UsageException("the number of steps is 0, in which nothing is trained", "Give a number of steps from 1 on.");
    }

    private static Option<string> Choice()
    {
        var option = new Option<string>("--accountant")
        {
            Description = "pld: an interval that holds the truth; rdp, prv: as Opacus computes them.",
            DefaultValueFactory = _ => Accountants.Default.Name,
        };
        option.AcceptOnlyFromAmong([.. Accountants.Names]);
        return option;
    }
}
