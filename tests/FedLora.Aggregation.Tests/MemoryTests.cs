using FedLora.Adapters;

namespace FedLora.Aggregation.Tests;

/// <summary>What aggregation may allocate. Alone: the heap is the whole process's.</summary>
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
[Collection(nameof(MemoryTests))]
public sealed class MemoryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-updates-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string> All => [.. Methods.All.Select(m => m.Name)];

    [Theory]
    [MemberData(nameof(All))]
    public void NoMethodEverFormsAFullMatrix(string name)
    {
        const int Side = 4096;
        var method = Methods.Get(name);
        var layout = new AdapterLayout([new AdapterModule("q", Side, Side)], 4, 4, []);
        var tensors = layout.Tensors(Factors.A | Factors.B | (method.Trained(1, MethodOptions.Default) & Factors.R)).ToArray();
        var global = new AdapterState(
            tensors.Select(
                t => name == "flora" && t.Name.Contains("lora_B", StringComparison.Ordinal)
                    ? new AdapterTensor(t.Name, t.Shape, new float[Side * 4]) : Random(t, 0)));
        var updates = new UpdateSet(
            Enumerable.Range(1, 6)
                .Select(
                    k => new MemoryUpdate($"{k}", k,
                        new AdapterState(layout.Tensors(method.Sent(1, MethodOptions.Default)).Select(t => Random(t, k))))).ToArray());
        var allocated = Allocated(
            () => method.Aggregate(global, updates, new AggregationOptions(layout, MethodOptions.Default, 1, 1) { Threads = 1 }, default));
        // A full matrix of float32 has 64 MiB; all factors of all nodes together have 0.8.
        Assert.InRange(allocated, 100, 24L << 20);
    }

    [Theory]
    [InlineData("fedit")]
    [InlineData("ffa-lora")]
    [InlineData("fedsvd")]
    [InlineData("hetlora")]
    [InlineData("rolora")]
    [InlineData("fedsa-lora")]
    public void AveragingHoldsOneUpdateAtATimeHoweverManyThereAre(string name)
    {
        var method = Methods.Get(name);
        var layout = new AdapterLayout([.. Enumerable.Range(0, 8).Select(i => new AdapterModule($"layers.{i}.q", 512, 512))], 8, 8, []);
        var global = method.Initialize(layout, MethodOptions.Default, 1);
        var updates = Enumerable.Range(0, 100).Select(k =>
        {
            var path = Path.Combine(_folder, $"{k}.safetensors");
            new AdapterState(layout.Tensors(method.Sent(1, MethodOptions.Default)).Select(t => Random(t, k))).Save(path);
            return new StreamUpdate($"node-{k:D3}", 1, () => File.OpenRead(path));
        }).ToArray();
        var options = new AggregationOptions(layout, MethodOptions.Default, 1, 1) { Threads = 1, MeasureError = false };
        // A hundred updates of at least 128 KiB hold 12.8 MiB and more; the largest heap at any time must not show it.
        var few = Live(method, global, updates[..5], options);
        var many = Live(method, global, updates, options);
        Assert.InRange(many - few, long.MinValue, 2L << 20);
    }

    // The live bytes when the last update is being read: everything that was kept of those before would be among them.
    private static long Live(IFederatedMethod method, AdapterState global, StreamUpdate[] updates, AggregationOptions options)
    {
        var probe = new Probe(updates[^1]);
        method.Aggregate(global, new UpdateSet([.. updates[..^1], probe]), options, default);
        return probe.Live;
    }

    private static long Allocated(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static AdapterTensor Random((string Name, int[] Shape) tensor, int seed)
    {
        var random = new Random(seed);
        return new AdapterTensor(tensor.Name, tensor.Shape,
            [.. Enumerable.Range(0, AdapterTensor.Count(tensor.Shape)).Select(_ => random.NextSingle() - 0.5f)]);
    }

    private sealed class Probe(IUpdate update) : IUpdate
    {
        public string Node => update.Node;

        public long Examples => update.Examples;

        public long Live { get; private set; }

        public IUpdateReader Open()
        {
            Live = Math.Max(Live, GC.GetTotalMemory(forceFullCollection: true));
            return update.Open();
        }
    }
}
