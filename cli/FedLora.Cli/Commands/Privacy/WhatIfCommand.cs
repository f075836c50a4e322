using System.CommandLine;
using FedLora.Aggregation;
using FedLora.Cli.Output;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;
using Spectre.Console;

namespace FedLora.Cli.Commands.Privacy;

/// <summary><c>fedlora privacy what-if</c>: what further rounds would spend of a ledger's data set, and what would fit.</summary>
internal static class WhatIfCommand
{
    public static Command Create()
    {
        var folder = new Argument<DirectoryInfo>("DIR") { Description = "The node's ledger folder, e.g. fedlora-node/ledger." };
        var rounds = new Option<int>("--rounds") { Description = "How many further rounds.", Required = true };
        var name =
            new Option<string?>("--data-set") { Description = "What the site calls the data; needed only where the ledger has several." };
        var sigma = new Option<double?>("--noise-multiplier") { Description = "sigma of the further rounds; default: the last round's." };
        var rate = new Option<double?>("--sampling-rate") { Description = "q of the further rounds; default: the last round's." };
        var steps = new Option<long?>("--steps") { Description = "Steps of one round; default: the last round's." };
        var policyFile =
            new Option<FileInfo?>("--policy")
            {
                Description = "The site's policy file: asks of its limit. By default the limit in force when the data set last spent.",
            };
        return new Command("what-if",
            "What further rounds would spend of a data set, and with which noise they would fit. Asking spends nothing.")
        {
            folder, rounds, name, sigma, rate, steps, policyFile,
        }.Writes(typeof(WhatIfJson)).RunsOnNumbers((parsed, output, cancellationToken) =>
        {
            using var ledger = PrivacyLedger.Read(parsed.GetValue(folder)!.FullName);
            var dataSet = DataSetOf(ledger, parsed.GetValue(name));
            var last = ledger.UsesOf(dataSet).LastOrDefault(use => use.IsPrivate)
                ?? throw new FedLoraException("ledger-empty", "the data set has spent nothing yet",
                    "fedlora privacy epsilon --help tells how to ask what rounds would spend");
            var policy = parsed.GetValue(policyFile) is { } file
                ? SitePolicy.Load(file.FullName, [.. Methods.All.Select(method => method.Name)]).Limit
                : new PrivacyLimit(last.Limit, last.Delta ?? new SitePolicy().Delta);
            var round =
                new SampledGaussian(parsed.GetValue(sigma) ?? last.NoiseMultiplier, parsed.GetValue(rate)
                    ?? last.SamplingRate, parsed.GetValue(steps) ?? last.Steps);
            var answer = WhatIf.Ask(ledger.Spent(dataSet), round, parsed.GetValue(rounds), policy, cancellationToken: cancellationToken);
            output.Result(Json(answer, round, policy), console => Show(console, answer, round, policy));
            return Task.CompletedTask;
        });
    }

    private static string DataSetOf(PrivacyLedger ledger, string? name)
    {
        var known = ledger.DataSets;
        if (name is not null)
        {
            return known.FirstOrDefault(dataSet => ledger.LabelOf(dataSet)?.Name == name || dataSet == name)
                ?? throw new UsageException($"the ledger has no data set '{name}'",
                    $"It has {string.Join(", ", known.Select(dataSet => ledger.LabelOf(dataSet)?.Name ?? dataSet))}.");
        }
        return known switch
        {
            [var only] => only,
            [] => throw new FedLoraException("ledger-empty", "the ledger has no entry yet",
                "fedlora privacy epsilon --help tells how to ask what rounds would spend"),
            _ => throw new UsageException("the ledger has several data sets",
                $"Name one with --data-set: {string.Join(", ", known.Select(dataSet => ledger.LabelOf(dataSet)?.Name ?? dataSet))}."),
        };
    }

    private static WhatIfJson Json(WhatIf answer, SampledGaussian round, PrivacyLimit limit) =>
        new(answer.Rounds, round.NoiseMultiplier, round.SamplingRate,
            round.Steps, answer.Before.Epsilon, answer.After.Epsilon, answer.After.Lower, limit.Delta, limit.Epsilon, answer.Fits,
            answer.RoundsThatFit,
            answer.NoiseMultiplier);

    private static void Show(IAnsiConsole console, WhatIf answer, SampledGaussian round, PrivacyLimit limit)
    {
        console.WriteLine($"spent so far: epsilon {EpsilonText.AtMost(answer.Before.Epsilon)} at delta {limit.Delta:0.###e+0}");
        console.WriteLine($"after {answer.Rounds} more rounds of {round.Steps} steps at sigma {round.NoiseMultiplier:0.####}, "
            + $"q {round.SamplingRate:g4}: {EpsilonText.AtMost(answer.After.Epsilon)} "
            + $"(at least {EpsilonText.AtLeast(answer.After.Lower)})");
        if (limit.Epsilon is not { } most)
            console.WriteLine("there is no limit");
        else
        {
            console.WriteLine($"limit {EpsilonText.AtLeast(most)}: {(answer.Fits ? "that fits" : "that does not fit")}; "
                + $"{answer.RoundsThatFit} rounds fit at that noise; "
                + (answer.NoiseMultiplier is { } sigma ? $"all {answer.Rounds} fit from sigma {sigma:0.########} on"
                    : $"no noise is enough for all {answer.Rounds}"));
        }
    }
}

/// <summary>The answer as <c>--json</c> shows it.</summary>
internal sealed record WhatIfJson(long Rounds, double NoiseMultiplier, double SamplingRate, long Steps, double SpentEpsilon,
    double AfterEpsilon,
    double AfterEpsilonAtLeast, double Delta, double? LimitEpsilon, bool Fits, long? RoundsThatFit, double? NoiseMultiplierThatFits);
