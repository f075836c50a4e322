using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Simulations.Demo;
using FedLora.Simulations.Pretraining;
using FedLora.Simulations.Pretraining.Images;
using Spectre.Console;

namespace FedLora.Cli.Commands;

/// <summary><c>fedlora pretrain</c>: makes the demo's base model again, or that of the presets of images.</summary>
internal static class PretrainCommand
{
    private static readonly Option<string> Out = new("--out")
    {
        Description = "The model's folder; a run that was interrupted there goes on.",
        Required = true,
    };
    private static readonly Option<int> Steps = new("--steps") { Description = "Optimiser steps.", DefaultValueFactory = _ => 7000 };
    private static readonly Option<int> Summary = new("--summary-steps")
    {
        Description = "Steps after these in which the first token learns to sum up its window as well.",
        DefaultValueFactory = _ => 2000,
    };
    private static readonly Option<int> Batch = new("--batch-size")
    {
        Description = "Windows of 128 tokens per step.",
        DefaultValueFactory = _ => 16,
    };
    private static readonly Option<double> Rate = new("--learning-rate")
    {
        Description = "The highest learning rate.",
        DefaultValueFactory = _ => 4e-4,
    };
    private static readonly Option<double> Masked = new("--masked-share")
    {
        Description = "Share of the tokens that is masked and to be told.",
        DefaultValueFactory = _ => 0.15,
    };
    private static readonly Option<int> Seed = new("--seed")
    {
        Description = "Decides start, draws and masks.",
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<bool> Images = new("--images")
    {
        Description = "Instead: a small ViT that learns to classify the first 10,000 images of Fashion-MNIST. --steps, --batch-size and "
            + "--learning-rate have other defaults then: 500, 64 and 0.001.",
    };

    public static Command Create() =>
        new Command("pretrain",
            "Make a base model: a small BERT encoder that learns to tell masked tokens of mail, speeches, a novel and a dictionary.")
        {
            Out, Steps, Summary, Batch, Rate, Masked, Seed, Images,
        }.Writes(typeof(PretrainJson)).Runs(Run);

    private static Task Run(ParseResult parsed, CommandOutput output, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(Images))
            return RunImages(parsed, output, cancellationToken);
        var settings = new PretrainingSettings(parsed.GetValue(Steps), parsed.GetValue(Batch), parsed.GetValue(Rate),
            MaskedShare: parsed.GetValue(Masked), Seed: parsed.GetValue(Seed), SummarySteps: parsed.GetValue(Summary));
        var folder = parsed.GetValue(Out)!;
        OutFolder.Create(folder);
        output.Remark("Reading the texts ...");
        var corpus = PretrainingCorpus.Read(cancellationToken);
        output.Remark(
            $"{string.Join(", ", corpus.Select(source =>
                $"{source.Name} {source.Texts.Sum(text => (long)text.Length) / 1e6:F1} M characters"))}; learning word pieces ...");
        IReadOnlyList<LossPoint> curve;
        try
        {
            curve = new Pretrainer()
                .Run(folder, corpus, new EncoderShape(), settings, new Reporter(output, settings.Steps + settings.SummarySteps),
                    cancellationToken);
        }
        catch (OperationCanceledException error)
        {
            throw new InterruptedException("interrupted before the end",
                $"Start the same command again: it goes on from what lies in {folder}.", error);
        }
        return Say(folder, curve, output);
    }

    private static Task RunImages(ParseResult parsed, CommandOutput output, CancellationToken cancellationToken)
    {
        var settings = new ImagePretrainingSettings() with { Seed = parsed.GetValue(Seed) };
        if (parsed.GetResult(Steps) is { Implicit: false })
            settings = settings with { Steps = parsed.GetValue(Steps) };
        if (parsed.GetResult(Batch) is { Implicit: false })
            settings = settings with { BatchSize = parsed.GetValue(Batch) };
        if (parsed.GetResult(Rate) is { Implicit: false })
            settings = settings with { LearningRate = parsed.GetValue(Rate) };
        var (folder, data) = (parsed.GetValue(Out)!, Path.Combine(Corpora.FashionMnist, "train-images-idx3-ubyte.gz"));
        OutFolder.Create(folder);
        return Say(folder, new ImagePretrainer().Run(folder, data, FashionSites.PublicImages, new VitShape(), settings,
            new Reporter(output, settings.Steps), cancellationToken), output);
    }

    private static Task Say(string folder, IReadOnlyList<LossPoint> curve, CommandOutput output)
    {
        output.Result(new PretrainJson(folder, curve[^1].Step, curve[^1].Loss, curve[^1].Tokens, curve[^1].Seconds, curve),
            console =>
                console.WriteLine(
                    $"{folder}: loss {curve[^1].Loss:F3} after {curve[^1].Step} steps, {curve[^1].Tokens / 1e6:F1} M tokens, "
                        + $"{curve[^1].Seconds / 60:F0} minutes."));
        return Task.CompletedTask;
    }

    // Not Progress<T>, which reports from another thread and out of order.
    private sealed class Reporter(CommandOutput output, int steps) : IProgress<LossPoint>
    {
        public void Report(LossPoint value) =>
            output.Remark(
                $"step {value.Step} of {steps}: loss {value.Loss:F3}, {value.Tokens / value.Seconds:F0} tokens/s, "
                    + $"{value.Seconds / value.Step * (steps - value.Step) / 60:F0} minutes to go");
    }
}

/// <summary>A base model that was made; the figures are those at its last step.</summary>
internal sealed record PretrainJson(string Model, int Step, double Loss, long Tokens, double Seconds, IReadOnlyList<LossPoint> Curve);
