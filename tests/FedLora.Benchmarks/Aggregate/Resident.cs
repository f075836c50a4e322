using FedLora.Adapters;
using FedLora.Aggregation;

namespace FedLora.Benchmarks.Aggregate;

/// <summary>How the process' resident set grows while many updates stream from disk.</summary>
internal static class Resident
{
    /// <summary>
    /// Resident MiB that a round of many updates takes at its highest beyond one of fifty, which have made the process as large as it gets.
    /// </summary>
    public static (double MiB, double Seconds) Growth(string method, AdapterLayout layout, int nodes, CancellationToken cancellationToken)
    {
        var federated = Methods.Get(method);
        var folder = Directory.CreateTempSubdirectory("fedlora-bench-");
        try
        {
            // One file stands for all nodes: what counts is that each is opened, mapped and read on its own.
            var path = Path.Combine(folder.FullName, "update.safetensors");
            new AdapterState(layout.Tensors(federated.Sent(1, MethodOptions.Default)).Select(t => Workload.Random(t, 1))).Save(path);
            var few = Peak(federated, layout, path, 50, cancellationToken).MiB;
            var (many, seconds) = Peak(federated, layout, path, nodes, cancellationToken);
            return (many - few, seconds);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static (double MiB, double Seconds) Peak(IFederatedMethod method, AdapterLayout layout, string path, int nodes,
        CancellationToken cancellationToken)
    {
        var global = method.Initialize(layout, MethodOptions.Default, 1);
        var peak = 0L;
        var updates = new UpdateSet(
            Enumerable.Range(0, nodes)
                .Select(
                    k => new Watched(new StreamUpdate($"node-{k:D4}", 1, () => File.OpenRead(path)),
                        () => peak = Math.Max(peak, Environment.WorkingSet))));
        GC.Collect();
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        method.Aggregate(global, updates, new AggregationOptions(layout, MethodOptions.Default, 1, 1), cancellationToken);
        return (peak / 1048576.0, System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private sealed class Watched(IUpdate update, Action look) : IUpdate
    {
        public string Node => update.Node;

        public long Examples => update.Examples;

        public IUpdateReader Open()
        {
            look();
            return update.Open();
        }
    }
}
