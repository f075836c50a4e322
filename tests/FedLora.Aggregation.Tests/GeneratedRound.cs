using FedLora.Adapters;
using FsCheck;
using FsCheck.Fluent;

namespace FedLora.Aggregation.Tests;

/// <summary>A made-up federation of a few nodes, for properties that must hold whatever the numbers are.</summary>
public sealed record GeneratedRound(int Seed, int Nodes, int Rank, int Round, (int DOut, int DIn)[] Shapes)
{
    /// <summary>Small federations of every shape: fewer nodes than ranks, stacks wider than the matrices, single nodes.</summary>
    public static Arbitrary<GeneratedRound> Arbitrary { get; } = Arb.From(
        from seed in Gen.Choose(0, int.MaxValue - 1)
        from nodes in Gen.Choose(1, 6)
        from rank in Gen.Choose(1, 5)
        from round in Gen.Choose(1, 4)
        from shapes in Gen.Choose(rank, 30).Two().ArrayOf(2)
        select new GeneratedRound(seed, nodes, rank, round, [.. shapes.Select(s => (s.Item1, s.Item2))]));

    public static void ForAll(Action<GeneratedRound> property, int cases = 40) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(cases), Prop.ForAll(Arbitrary, round => property(round)));

    public AdapterLayout Layout =>
        new([.. Shapes.Select((s, i) => new AdapterModule($"layers.{i}.q_proj", s.DOut, s.DIn))], Rank, 8,
            [new HeadTensor("classifier.weight", [2, 3])]);

    public AggregationOptions Options => new(Layout, MethodOptions.Default, Round, (ulong)Seed) { Threads = 2 };

    /// <summary>The rank of a node: the largest for the first, any for the others where the method can.</summary>
    public int RankOf(IFederatedMethod method, int node) => method.Traits.MixesRanks && node > 0 ? 1 + ((Seed + node) % Rank) : Rank;

    /// <summary>The global adapter, with B, R and the head moved away from where they start.</summary>
    public AdapterState Global(IFederatedMethod method)
    {
        var start = method.Initialize(Layout, MethodOptions.Default, (ulong)Seed, new RandomWeights(Seed));
        // Under flora the global B is always zero: what was learnt lies in the folds.
        if (method.Name == "flora")
            return start;
        var random = new Random(Seed);
        return start.With(start.Where(t => AdapterKey.Parse(t.Name).Factor != Factors.A).Select(t => Moved(t, random, 0.3f)).ToArray());
    }

    /// <summary>What each node trained, from its own start.</summary>
    public IEnumerable<(AdapterState Trained, AdapterLayout Layout)> Trained(IFederatedMethod method, AdapterState global,
        bool equal = false)
    {
        for (var k = 0; k < Nodes; k++)
        {
            var start = method.Start(global, null,
                new NodeTerms(Layout, MethodOptions.Default, Round, (ulong)Seed, equal ? Rank : RankOf(method, k)));
            var random = new Random(equal ? Seed + 1 : Seed + 1 + k);
            var trained = start.Adapter.Only(method.Trained(Round, MethodOptions.Default));
            yield return (start.Adapter.With(trained.Select(t => Moved(t, random, 0.5f)).ToArray()), start.Layout);
        }
    }

    /// <summary>The updates; node names are not in the order of nodes.</summary>
    public UpdateSet Updates(IFederatedMethod method, AdapterState global, bool equal = false, long examplesTimes = 1,
        Func<AdapterTensor, AdapterTensor>? change = null) =>
            new(Trained(method, global, equal).Select((t, k) => new MemoryUpdate(Name(k), Examples(k) * examplesTimes,
                new AdapterState(t.Trained.Only(method.Sent(Round, MethodOptions.Default)).Select(change ?? (x => x))))).ToArray());

    public string Name(int node) => $"node-{((node * 7) + Seed % 5) % 97:D2}";

    public long Examples(int node) => 1 + ((Seed / 3) + (node * 13)) % 50;

    public double[] Weights() =>
        [.. Enumerable.Range(0, Nodes).Select(k => Examples(k) / (double)Enumerable.Range(0, Nodes).Sum(Examples))];

    /// <summary>sum p_k s_k B_k A_k of a module with full products in float64.</summary>
    public double[] MeanProduct(IFederatedMethod method, AdapterState global, AdapterModule module)
    {
        var weights = Weights();
        return Naive.Sum(Trained(method, global).Select((t, k) => Naive.Product(t.Trained, module, weights[k] * t.Layout.Scale)));
    }

    /// <summary>The product after the round: global adapter and fold.</summary>
    public double[] NewProduct(AggregationResult result, AdapterModule module)
    {
        var product = Naive.Product(result.Global, module, Layout.Scale);
        return result.Fold is null ? product : Naive.Sum([product, Naive.Product(result.Fold, module)]);
    }

    private static AdapterTensor Moved(AdapterTensor tensor, Random random, float by) =>
        tensor with { Values = [.. tensor.Values.Select(v => v + (by * ((2 * random.NextSingle()) - 1)))] };
}

/// <summary>Base weights made of a seed.</summary>
internal sealed class RandomWeights(int seed) : IWeightSource
{
    public void Read(AdapterModule module, Span<float> matrix)
    {
        var random = new Random(seed ^ module.Name.Sum(c => c));
        foreach (ref var value in matrix)
            value = (2 * random.NextSingle()) - 1;
    }
}
