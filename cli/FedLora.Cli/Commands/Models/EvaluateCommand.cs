using System.CommandLine;
using System.Diagnostics;
using FedLora.Adapters;
using FedLora.Cli.Output;
using FedLora.Tokenizers;
using FedLora.Training.Data;
using FedLora.Training.Models;
using FedLora.Training.Running;
using Spectre.Console;

namespace FedLora.Cli.Commands.Models;

/// <summary><c>fedlora evaluate</c>: loss and accuracy of a model on a data file.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        var model = new ModelOptions();
        var data = new Option<string>("--data") { Description = DataHelp.File, Required = true };
        var labels = new Option<string?>("--labels")
        {
            Description =
                "Classes in the adapter's order, separated by commas. Default: the adapter's (fedlora.json), the model's, or those of the "
                    + "data file in ordinal order.",
        };
        var length = new Option<int?>("--max-length")
        {
            Description =
                "Longest example in tokens; longer ones are cut. At most what the model takes. Default: what the adapter was trained on, "
                    + "or 512.",
        };
        var bad = new Option<string>("--on-bad-line") { Description = "stop or skip.", DefaultValueFactory = _ => "stop" };
        bad.AcceptOnlyFromAmong("stop", "skip");
        var command = model.AddTo(
            new Command("evaluate", "Measure a model, with or without adapter, on a data file.") { data, labels, length, bad });
        return command
            .Writes(typeof(EvaluateJson))
            .Runs((parsed, output, cancellationToken) => Task.Run(() => Run(parsed, output, cancellationToken), cancellationToken));

        void Run(ParseResult parsed, CommandOutput output, CancellationToken cancellationToken)
        {
            var (folder, file, adapter) = (parsed.GetValue(model.Model)!, parsed.GetValue(data)!, parsed.GetValue(model.Adapter));
            var options = Options(folder, file, adapter, parsed.GetValue(labels), model.Load(parsed), output, cancellationToken);
            using var loaded = AdaptedModel.Load(folder, adapter, options);
            var architecture = loaded.Base.Architecture;
            var task = architecture.Task == ModelTask.Classification ? TextTask.SequenceClassification : TextTask.CausalLanguageModelling;
            var settings = new DataSettings(task,
                Math.Min(parsed.GetValue(length) ?? loaded.Adapter?.Use?.MaxTokens ?? 512, architecture.MaxLength), architecture.Labels,
                parsed.GetValue(bad) == "skip" ? BadLines.Skip : BadLines.Stop);
            var set = DataSet.Load(file, settings, Tokenizer.Load(folder), cancellationToken);
            output.Remark($"evaluate {Devices.Explain(options.Device)}");
            var start = Stopwatch.GetTimestamp();
            var found = Evaluator.Run(loaded.Base.Transformer, set.Examples, cancellationToken: cancellationToken);
            var result = new EvaluateJson(found.Examples, found.Labels, found.Loss, found.Accuracy, found.MacroF1,
                task == TextTask.CausalLanguageModelling ? found.Perplexity : null,
                set.Truncated, set.Skipped.Count, loaded.MadeUp.Count > 0, Stopwatch.GetElapsedTime(start).TotalSeconds);
            if (result.NewHead)
                output.Remark(
                    $"{(adapter is null ? "The checkpoint has" : "Neither checkpoint nor adapter has")} "
                        + $"{string.Join(", ", loaded.MadeUp)}: an untrained head was measured.");
            ModelOptions.SayOtherBase(loaded.Adapter?.Use, folder, output);
            output.Result(result,
                console => Show(console, result.Examples, found, result.Perplexity, result.Truncated, result.Skipped, result.Seconds));
        }
    }

    private static LoadOptions Options(string folder, string file, string? adapter, string? named, LoadOptions options,
        CommandOutput output, CancellationToken cancellationToken)
    {
        var made = ModelFamily.MadeFor(folder);
        var peft = adapter is null ? null : PeftFolder.Read(adapter, takesDora: true);
        var task = AdaptedModel.TaskOf(peft?.Config.TaskType);
        task ??= made is ModelTask.Classification or ModelTask.CausalLanguageModelling ? made : named is null ? null
            : ModelTask.Classification;
        if (task is null)
            throw new FedLoraException("model-task-unsupported",
                $"By the architectures in its config.json '{folder}' is neither a classifier nor a causal language model.",
                "Give an adapter that makes it one, --labels to measure an untrained classifier, or write its class into config.json, "
                    + "e.g. \"architectures\": [\"LlamaForCausalLM\"].");
        if (task != ModelTask.Classification)
            return options with { Task = task };
        var labels = named is not null ? Named(named) : AdaptedModel.LabelsOf(peft);
        if (labels is not null || (made == ModelTask.Classification && HasItsHead(folder, peft)))
            return options with { Task = task, Labels = labels };
        return options with { Task = task, Labels = Guessed(LabelsIn(file, cancellationToken), peft, folder, adapter, output) };
    }

    // Else the model's labels are those of another head than the adapter's.
    private static bool HasItsHead(string folder, PeftFolder? adapter)
    {
        var model = ModelFamily.ReadFolder(folder, ModelTask.Classification);
        return HeadOf(model, adapter) is not { } head || head.Rows == model.Labels.Count;
    }

    private static AdapterTensor? HeadOf(Architecture model, PeftFolder? adapter) =>
        adapter?.State.TryGet($"base_model.model.{model.Names.Head.Output}.weight", out var weight) == true ? weight : null;

    /// <summary>
    /// Labels of the data for an adapter that does not name its own: only where there are as many, and not without a word.
    /// </summary>
    private static string[] Guessed(string[] labels, PeftFolder? adapter, string folder, string? where, CommandOutput output)
    {
        if (HeadOf(ModelFamily.ReadFolder(folder, ModelTask.Classification, labels), adapter) is not { } weight)
            return labels;
        if (weight.Rows != labels.Length)
            throw new FedLoraException("labels-unknown",
                $"'{where}' has {weight.Rows} classes and does not name them, and the data has the labels {string.Join(", ", labels)}.",
                "Give --labels in the order of the training.");
        output.Remark(
            $"The adapter does not name its classes: {string.Join(", ", labels)} were taken, in this order. If that is wrong, give "
                + $"--labels.");
        return labels;
    }

    private static string[] Named(string text)
    {
        var labels = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return labels.Length >= 2 && labels.Distinct(StringComparer.Ordinal).Count() == labels.Length ? labels
            : throw new UsageException($"--labels '{text}' does not name two or more different labels", "e.g. --labels ham,spam");
    }

    /// <summary>The labels that a file uses, in ordinal order.</summary>
    private static string[] LabelsIn(string file, CancellationToken cancellationToken) =>
        [.. DataFile.Read(file, new DataSettings(TextTask.SequenceClassification, 0, [], BadLines.Skip),
            cancellationToken).Records.Select(record => record.Label!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static void Show(IAnsiConsole console, int examples, Evaluation found, double? perplexity, int truncated, int skipped,
        double seconds)
    {
        var table = new Table().AddColumn("measure").AddColumn(new TableColumn("value").RightAligned());
        table.AddRow("examples", $"{examples}").AddRow("loss (nats)", $"{found.Loss:F4}")
            .AddRow("accuracy", $"{100 * found.Accuracy:F2} %");
        if (found.MacroF1 is { } f1)
            table.AddRow("macro F1", $"{100 * f1:F2} %");
        if (perplexity is { } value)
            table.AddRow("perplexity", $"{value:F3}");
        table.AddRow("examples cut", $"{truncated}").AddRow("lines left out", $"{skipped}").AddRow("seconds", $"{seconds:F1}");
        console.Write(table);
    }
}

/// <summary>What was measured.</summary>
/// <param name="Examples">Lines measured.</param>
/// <param name="Labels">Labels predicted: tokens of a language model, examples of a classifier.</param>
/// <param name="Loss">Mean per label, nats.</param>
/// <param name="Accuracy">Share of labels that were right.</param>
/// <param name="MacroF1">Mean of the classes' F1; null for language models.</param>
/// <param name="Perplexity">exp(loss); null for classifiers.</param>
/// <param name="Truncated">Examples that were cut.</param>
/// <param name="Skipped">Lines left out.</param>
/// <param name="NewHead">Whether an untrained head was measured.</param>
/// <param name="Seconds">Of the measuring.</param>
internal sealed record EvaluateJson(int Examples, long Labels, double Loss, double Accuracy, double? MacroF1, double? Perplexity,
    int Truncated, int Skipped, bool NewHead, double Seconds);
