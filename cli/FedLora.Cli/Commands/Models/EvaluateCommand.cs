using System.CommandLine;
using System.Diagnostics;
using FedLora.Adapters;
using FedLora.Cli.Output;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Models;
using FedLora.Training.Running;

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
        var batch = new Option<int?>("--batch")
        {
            Description = "Examples that go through the model at once. Default: as many as have "
                + $"{MicroBatches.RowsAtOnce:#,0} tokens together.",
        };
        var stride = new Option<int?>("--stride")
        {
            Description =
                "Language models: a text longer than --max-length is not cut but read in windows, this many tokens from one to the next; "
                    + "each token is predicted once.",
        };
        var plots = new Option<string?>("--plots")
        {
            Description = "Folder for pictures: calibration.svg, and of a classifier confusion.svg.",
        };
        var command = model.AddTo(new Command("evaluate", "Measure a model, with or without adapter, on a data file.")
        {
            data, labels, length, bad, batch, stride, plots,
        });
        return command
            .Writes(typeof(EvaluateJson))
            .Runs((parsed, output, cancellationToken) => Task.Run(() => Run(parsed, output, cancellationToken), cancellationToken));

        void Run(ParseResult parsed, CommandOutput output, CancellationToken cancellationToken)
        {
            if (parsed.GetValue(batch) is < 1)
                throw new UsageException("--batch must be at least 1", "e.g. --batch 16");
            var (folder, file, adapter) = (parsed.GetValue(model.Model)!, parsed.GetValue(data)!, parsed.GetValue(model.Adapter));
            var options = Options(folder, file, adapter, parsed.GetValue(labels), model.Load(parsed), output, cancellationToken);
            using var loaded = AdaptedModel.Load(folder, adapter, options);
            var architecture = loaded.Base.Architecture;
            var task = architecture.Task == ModelTask.Classification ? TextTask.SequenceClassification : TextTask.CausalLanguageModelling;
            var window = Math.Min(parsed.GetValue(length) ?? loaded.Adapter?.Use?.MaxTokens ?? 512, architecture.MaxLength);
            var step = StrideOf(parsed.GetValue(stride), window, task);
            var set = DataSet.Load(file,
                new DataSettings(task, step is null ? window : int.MaxValue, architecture.Labels,
                    parsed.GetValue(bad) == "skip" ? BadLines.Skip : BadLines.Stop), ModelInput.Load(folder), cancellationToken);
            if (parsed.GetValue(plots) is { } pictures)
                OutFolder.Create(pictures);
            output.Remark($"evaluate {Devices.Explain(options.Device)}");
            var start = Stopwatch.GetTimestamp();
            var measured = set.Examples.Where(example => Labels.CountOf(example, architecture) > 0).ToArray();
            var windows = step is { } by ? [.. measured.SelectMany(example => StridedWindows.Split(example, window, by))] : measured;
            var found = Evaluator.Run(loaded.Base.Transformer, windows, parsed.GetValue(batch),
                new EvaluationLines(output, TimeProvider.System), cancellationToken);
            var result = new EvaluateJson(measured.Length, found.Labels, found.Loss, found.Accuracy, found.MacroF1,
                task == TextTask.CausalLanguageModelling ? found.Perplexity : null,
                set.Truncated, set.Skipped.Count, loaded.MadeUp.Count > 0, Stopwatch.GetElapsedTime(start).TotalSeconds,
                found.Calibration!.Error, found.Calibration.Bins, EvaluationTables.ClassesOf(found.Confusion, architecture.Labels),
                EvaluationTables.RowsOf(found.Confusion), found.Examples);
            if (result.NewHead)
                output.Remark(
                    $"{(adapter is null ? "The checkpoint has no" : "Neither checkpoint nor adapter has")} "
                        + $"{string.Join(", ", loaded.MadeUp)}: an untrained head was measured.");
            ModelOptions.SayOtherBase(loaded.Adapter?.Use, folder, output);
            if (parsed.GetValue(plots) is { } to)
                output.Remark($"pictures: {string.Join(", ", EvaluationPlots.Write(to, found, architecture.Labels))}");
            output.Result(result, console => EvaluationTables.Show(console, result));
        }
    }

    private static int? StrideOf(int? stride, int window, TextTask task)
    {
        if (stride is not { } step)
            return null;
        if (task != TextTask.CausalLanguageModelling)
            throw new UsageException("--stride is for language models, and this is a classifier", "Leave it away.");
        return step >= 1 && step < window ? step
            : throw new UsageException($"--stride {step} must be at least 1 and less than the window of {window} tokens",
                $"e.g. --stride {window / 2}; --max-length sets the window");
    }

    private static LoadOptions Options(string folder, string file, string? adapter, string? named, LoadOptions options,
        CommandOutput output, CancellationToken cancellationToken)
    {
        var made = ModelFamily.MadeFor(folder);
        var peft = adapter is null ? null : PeftFolder.Read(adapter, takesDora: true);
        var task = AdaptedModel.TaskOf(peft);
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
}
