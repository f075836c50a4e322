using System.Globalization;
using System.Text.Json;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Lora;
using FedLora.Training.Models;
using FedLora.Training.Running;
using TorchSharp;

namespace FedLora.Cli.Bench.Training;

/// <summary>
/// Our side of the comparison, in a process of its own as the peer is: answers each "run SEED" line with one JSON line about one shuffled
/// pass over the case's sequences.
/// </summary>
internal static class TrainingWorker
{
    public static async Task RunAsync(string folder, ComputeType compute, TextReader commands, TextWriter answers, CancellationToken cancellation)
    {
        torch.set_num_threads(Environment.ProcessorCount);
        var job = TrainingFolder.ReadJob(folder);
        var causal = job.Kind == "causal";
        using var model = BaseModel.Load(folder, new LoadOptions { Compute = compute });
        var layout = model.LayoutFor(new PeftConfig
        {
            Rank = job.Rank, Alpha = job.Alpha, TargetModules = PeftModules.Of(job.Targets), ModulesToSave = causal ? [] : ["classifier"],
        });
        var start = Methods.Get("fedit").Initialize(layout, new MethodOptions(), 1);
        using var binding = new AdapterBinding(model.Transformer, start, layout);
        using var parameters = new ParameterSet(binding.Slots(Factors.A | Factors.B | Factors.Head), model.Transformer.Device);
        var examples = job.Sequences.Select((tokens, i) => causal ? new Example(tokens) { Labels = tokens } : new Example(tokens) { Class = job.Classes![i] }).ToArray();
        await Answer(answers, new { ready = true });
        while (await commands.ReadLineAsync(cancellation) is { } line)
        {
            var settings = new TrainingSettings
            {
                Steps = (examples.Length + job.Batch - 1) / job.Batch, BatchSize = job.Batch, LearningRate = job.Rate, Seed = ulong.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture),
            };
            var done = new Trainer().Run(model.Transformer, parameters, examples, settings, cancel: cancellation);
            await Answer(answers, new { seconds = done.Elapsed.TotalSeconds, loss = done.MeanLoss, peak_mib = PeakMebibytes() });
        }
    }

    private static async Task Answer(TextWriter answers, object answer)
    {
        await answers.WriteLineAsync(JsonSerializer.Serialize(answer));
        await answers.FlushAsync();
    }

    private static double PeakMebibytes()
    {
        var line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
