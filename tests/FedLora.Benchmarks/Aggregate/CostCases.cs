using System.Globalization;
using FedLora.Aggregation;

namespace FedLora.Benchmarks.Aggregate;

/// <summary>
/// The costs of the server's step, and of folds at a node, each by name: prepared once, then run as often as one likes. Written so that
/// another build's library runs it too (<see cref="BuildLibrary"/>).
/// </summary>
internal static class CostCases
{
    /// <summary>The worst of the cycle in which folds become one stands beside the rounds themselves.</summary>
    private static readonly int[] FoldRounds = [50, 1000, 64, 992];

    /// <summary>All names, in the order in which they are shown.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. FoldRounds.Select(round => $"folds-round-{round}"), "folds-become-one-round-65", "folds-become-one-round-993",
        "open-k100-m224", "open-k1000-m224", "flexlora-k1000-48-modules-512", "fedit-k1000-48-modules-512",
        "flora-k200-1024", "fedex-lora-k200-1024", "fedsvd-llama-7b", "fedit-llama-7b", "flexlora-k1000-memory", "flora-k1000-memory",
        .. Methods.All.Where(method => !method.Traits.StartsFromWeights).Select(method => $"{method.Name}-roberta-large"),
    ];

    /// <summary>Those that grow with nodes, rounds or the model.</summary>
    public static IEnumerable<string> Growing => Names.Where(name => !name.EndsWith("-roberta-large", StringComparison.Ordinal));

    /// <summary>A case, ready to run: what it gives is MiB, where it measures those; 0 where time alone counts.</summary>
    public static Func<double> Prepare(string name)
    {
        var (method, what) = Split(name);
        return what switch
        {
            "k1000-48-modules-512" => Step(new Workload(method, Workload.Squares(48, 512), 1000, different: 50)),
            "k200-1024" => Step(new Workload(method, Workload.Squares(1, 1024), 200)),
            "llama-7b" => Step(new Workload(method, Workload.Llama7B(16), 6)),
            "roberta-large" => Step(new Workload(method, Workload.RobertaLarge(8), 6)),
            "k100-m224" => StoredUpdates.Opening(100, 224),
            "k1000-m224" => StoredUpdates.Opening(1000, 224),
            "k1000-memory" => StoredUpdates.Memory(method, Workload.Squares(8, 512), 1000),
            _ when name.StartsWith("folds-round-", StringComparison.Ordinal) => FoldCosts.AtNode(Number(name)),
            _ => FoldCosts.BecomeOne(Number(name)),
        };
    }

    private static (string Method, string What) Split(string name) =>
        Methods.All.FirstOrDefault(m => name.StartsWith($"{m.Name}-", StringComparison.Ordinal)) is { } method
            ? (method.Name, name[(method.Name.Length + 1)..]) : ("", name[(name.IndexOf('-', StringComparison.Ordinal) + 1)..]);

    private static int Number(string name) => int.Parse(name[(name.LastIndexOf('-') + 1)..], CultureInfo.InvariantCulture);

    private static Func<double> Step(Workload work) => () =>
    {
        work.Run(CancellationToken.None);
        return 0;
    };
}
