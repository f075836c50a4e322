using FedLora.Adapters;
using FedLora.Aggregation;

namespace FedLora.Benchmarks.Aggregate;

/// <summary>
/// Rounds of many updates that lie on disk. One file stands for all nodes: what counts is that each is opened and read on its own.
/// </summary>
internal static class StoredUpdates
{
    // Either name, and either way of saying where the file lies: of this build, and of those before it had one.
    private static readonly Type Type = typeof(UpdateSet).Assembly.GetType("FedLora.Aggregation.StreamUpdate")
        ?? typeof(UpdateSet).Assembly.GetType("FedLora.Aggregation.FileUpdate")!;

    /// <summary>A method that reads one module of all nodes, of modules so small that opening is what counts.</summary>
    public static Func<double> Opening(int nodes, int modules)
    {
        var layout = Workload.Squares(modules, 16);
        var method = Methods.Get("lora-fair");
        var path = Write(method, layout);
        var global = method.Initialize(layout, MethodOptions.Default, 1);
        return () =>
        {
            var options = new AggregationOptions(layout, MethodOptions.Default, 1, 1) { MeasureError = false };
            method.Aggregate(global, new UpdateSet(Updates(path, nodes)), options, CancellationToken.None);
            return 0;
        };
    }

    /// <summary>Resident MiB that a round takes at its highest beyond one of fifty, which makes the process as large as it gets.</summary>
    public static Func<double> Memory(string name, AdapterLayout layout, int nodes)
    {
        var method = Methods.Get(name);
        var path = Write(method, layout);
        var few = Peak(method, layout, Updates(path, 50));
        return () => Math.Max(0, Peak(method, layout, Updates(path, nodes)) - few);
    }

    /// <summary>A file with what a node sends.</summary>
    public static string Write(IFederatedMethod method, AdapterLayout layout)
    {
        var path = Path.Combine(BenchFolder.Path, $"update-{method.Name}.safetensors");
        new AdapterState(layout.Tensors(method.Sent(1, MethodOptions.Default)).Select(t => Workload.Random(t, 1))).Save(path);
        return path;
    }

    /// <summary>Resident MiB at the highest of a round, looked at whenever an update is opened.</summary>
    public static double Peak(IFederatedMethod method, AdapterLayout layout, IEnumerable<IUpdate> updates)
    {
        var (global, peak) = (method.Initialize(layout, MethodOptions.Default, 1), 0L);
        GC.Collect();
        var watched = updates.Select(update => new Watched(update, () => peak = Math.Max(peak, Environment.WorkingSet)));
        method.Aggregate(global, new UpdateSet(watched), new AggregationOptions(layout, MethodOptions.Default, 1, 1),
            CancellationToken.None);
        return peak / 1048576.0;
    }

    /// <summary>So many nodes' updates, all of one file.</summary>
    public static IEnumerable<IUpdate> Updates(string path, int nodes)
    {
        var open = Type.GetConstructors()[0].GetParameters()[2].ParameterType == typeof(string) ? path
            : (object)(Func<Stream>)(() => File.OpenRead(path));
        return Enumerable.Range(0, nodes).Select(k => (IUpdate)Activator.CreateInstance(Type, $"node-{k:D4}", 1L, open)!);
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
