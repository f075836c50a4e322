using FedLora.Adapters;
using FedLora.Aggregation;

namespace FedLora.Benchmarks.Aggregate;

/// <summary>A round made of random updates, for measuring the server's step.</summary>
internal sealed class Workload
{
    private readonly AggregationOptions _options;
    private readonly UpdateSet _updates;

    public Workload(string method, AdapterLayout layout, int nodes, int different = int.MaxValue)
    {
        (Method, Layout) = (Methods.Get(method), layout);
        _options = new AggregationOptions(layout, MethodOptions.Default, 1, 1);
        Global = Method.Initialize(layout, MethodOptions.Default, 1);
        var states = Enumerable.Range(0, Math.Min(nodes, different))
            .Select(k => new AdapterState(layout.Tensors(Method.Sent(1, MethodOptions.Default)).Select(t => Random(t, k)))).ToArray();
        _updates = new UpdateSet(
            Enumerable.Range(0, nodes).Select(k => new MemoryUpdate($"node-{k:D3}", k + 1, states[k % states.Length])));
    }

    public IFederatedMethod Method { get; }

    public AdapterLayout Layout { get; }

    public AdapterState Global { get; }

    /// <summary>RoBERTa-large: query and value of 24 layers, 1024 x 1024.</summary>
    public static AdapterLayout RobertaLarge(int rank) =>
        Of(rank,
            [.. Enumerable.Range(0, 48)
                .Select(i => ($"roberta.encoder.layer.{i / 2}.attention.self.{(i % 2 == 0 ? "query" : "value")}", 1024, 1024))]);

    /// <summary>Square modules of one side, at rank 8.</summary>
    public static AdapterLayout Squares(int modules, int side) =>
        Of(8, [.. Enumerable.Range(0, modules).Select(i => ($"layers.{i}.q", side, side))]);

    /// <summary>Llama-7B: the seven linear layers of 32 blocks.</summary>
    public static AdapterLayout Llama7B(int rank) => Of(rank, [.. Enumerable.Range(0, 32).SelectMany(i => ((string, int, int)[])
        [
            ($"model.layers.{i}.self_attn.q_proj", 4096, 4096), ($"model.layers.{i}.self_attn.k_proj", 4096, 4096),
            ($"model.layers.{i}.self_attn.v_proj", 4096, 4096),
            ($"model.layers.{i}.self_attn.o_proj", 4096, 4096), ($"model.layers.{i}.mlp.gate_proj", 11008, 4096),
            ($"model.layers.{i}.mlp.up_proj", 11008, 4096), ($"model.layers.{i}.mlp.down_proj", 4096, 11008),
        ])]);

    /// <summary>The server's whole step: reading the updates, aggregating, measuring the aggregation error.</summary>
    public AggregationResult Run(CancellationToken cancellationToken) => Method.Aggregate(Global, _updates, _options, cancellationToken);

    internal static AdapterTensor Random((string Name, int[] Shape) tensor, int seed)
    {
        var (random, values) = (new Random((seed * 7919) + tensor.Name.Sum(c => c)), new float[AdapterTensor.Count(tensor.Shape)]);
        for (var i = 0; i < values.Length; i++)
            values[i] = random.NextSingle() - 0.5f;
        return new AdapterTensor(tensor.Name, tensor.Shape, values);
    }

    private static AdapterLayout Of(int rank, (string Name, int DOut, int DIn)[] modules) =>
        new([.. modules.Select(m => new AdapterModule(m.Name, m.DOut, m.DIn))], rank, rank, []);
}
