using System.Diagnostics;
using FedLora.Adapters;
using FedLora.Aggregation;

namespace FedLora.Benchmarks.Aggregate;

/// <summary>How the process' resident set grows while many updates stream from disk.</summary>
internal static class Resident
{
    /// <summary>Resident MiB that a round of many updates takes at its highest beyond one of fifty, and the seconds it takes.</summary>
    public static (double MiB, double Seconds) Growth(string method, AdapterLayout layout, int nodes)
    {
        var federated = Methods.Get(method);
        var path = StoredUpdates.Write(federated, layout);
        var few = StoredUpdates.Peak(federated, layout, StoredUpdates.Updates(path, 50));
        var start = Stopwatch.GetTimestamp();
        var many = StoredUpdates.Peak(federated, layout, StoredUpdates.Updates(path, nodes));
        return (many - few, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }
}
