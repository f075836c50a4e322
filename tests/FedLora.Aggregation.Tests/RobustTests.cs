using FedLora.Adapters;

namespace FedLora.Aggregation.Tests;

/// <summary>One of eight nodes sends what it likes.</summary>
public sealed class RobustTests
{
    private const int Nodes = 8;
    private const int Hostile = 3;

    private static readonly AdapterLayout Layout = new(
        [new AdapterModule("layers.0.q_proj", 12, 10), new AdapterModule("layers.1.q_proj", 9, 14)], 3, 6,
        [new HeadTensor("classifier.weight", [2, 3])]);

    private static readonly AggregationOptions Options = new(Layout, MethodOptions.Default, 1, 7) { Threads = 2 };

    public static TheoryData<string, string> Attacks =>
        [.. from method in Methods.All from attack in (string[])["scaled", "flipped", "noise"] select (method.Name, attack)];

    public static TheoryData<string> ByEntry => ["fedit", "fedsa-lora"];

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Krum_gives_the_bytes_of_the_round_without_the_hostile_node(string name, string attack)
    {
        var method = Methods.Get(name);
        var global = Global(method);
        var honest = Honest(method, global);
        var attacked = new UpdateSet([.. honest.Where((_, k) => k != Hostile), Attack(honest[Hostile], attack, method, global)]);

        var robust = RobustStep.Run(method, global, attacked, Options, new RobustTerms(RobustRule.Krum, 1, 0), default);
        Assert.Equal([honest[Hostile].Node], robust.LeftOut);
        var expected = method.Aggregate(global, new UpdateSet(honest.Where((_, k) => k != Hostile)), Options, default);
        var result = method.Aggregate(global, robust.Updates, Options, default);
        Assert.Equal(expected.Global.ToBytes(), result.Global.ToBytes());
        Assert.Equal(expected.Fold?.ToBytes(), result.Fold?.ToBytes());
        // Without it the hostile node decides.
        Assert.NotEqual(expected.Global.ToBytes(), method.Aggregate(global, attacked, Options, default).Global.ToBytes());
    }

    [Theory]
    [MemberData(nameof(ByEntry))]
    public void No_entry_of_a_median_or_trimmed_mean_leaves_what_honest_nodes_sent(string name)
    {
        var method = Methods.Get(name);
        var global = Global(method);
        var honest = Honest(method, global);
        foreach (var attack in (string[])["scaled", "flipped", "noise"])
        {
            var attacked = new UpdateSet([.. honest.Where((_, k) => k != Hostile), Attack(honest[Hostile], attack, method, global)]);
            foreach (var rule in (RobustRule[])[RobustRule.Median, RobustRule.TrimmedMean])
            {
                var updates = RobustStep.Run(method, global, attacked, Options, new RobustTerms(rule, 1, 0), default).Updates;
                var sent = method.Sent(1, MethodOptions.Default);
                var result = method.Aggregate(global, updates, Options, default).Global.Only(sent);
                foreach (var tensor in result)
                {
                    var values = honest.Where((_, k) => k != Hostile).Select(update => Read(update, tensor.Name)).ToList();
                    for (var i = 0; i < tensor.Values.Length; i++)
                        Assert.InRange(tensor.Values[i], values.Min(v => v[i]), values.Max(v => v[i]));
                }
            }
            // Without it one node moves the mean as far as it likes.
            if (attack != "flipped")
            {
                var (plain, good) = (method.Aggregate(global, attacked, Options, default).Global,
                    method.Aggregate(global, new UpdateSet(honest), Options, default).Global);
                Assert.True(Distance(plain, honest[0]) > 10 * Distance(good, honest[0]));
            }
        }
    }

    [Fact]
    public void Centres_are_those_of_the_naive_way()
    {
        var method = Methods.Get("fedit");
        var global = Global(method);
        var updates = new UpdateSet(Honest(method, global));
        foreach (var (rule, outliers) in ((RobustRule, int)[])
            [(RobustRule.Median, 1), (RobustRule.TrimmedMean, 1), (RobustRule.TrimmedMean, 3)])
        {
            var centre = RobustStep.Run(method, global, updates, Options, new RobustTerms(rule, outliers, 0), default).Updates.Single();
            using var reader = centre.Open();
            foreach (var (name, shape) in reader.Shapes)
            {
                var values = Read(centre, name);
                for (var i = 0; i < values.Length; i++)
                {
                    var all = updates.Select(update => (double)Read(update, name)[i]).Order().ToList();
                    var expected = rule == RobustRule.Median ? (all[3] + all[4]) / 2
                        : all.Skip(outliers).Take(Nodes - (2 * outliers)).Average();
                    Assert.Equal(expected, values[i], 1e-6);
                }
                Assert.Equal(AdapterTensor.Count(shape), values.Length);
            }
        }
    }

    [Theory]
    [InlineData("fedit")]
    [InlineData("ffa-lora")]
    [InlineData("fed-sb")]
    [InlineData("fedsvd")]
    [InlineData("flora")]
    public void A_change_counts_up_to_its_bound_in_its_own_direction(string name)
    {
        var method = Methods.Get(name);
        var global = Global(method);
        var honest = Honest(method, global);
        var attacked = new UpdateSet([.. honest.Where((_, k) => k != Hostile), Attack(honest[Hostile], "scaled", method, global)]);
        var norms = honest.Select(update => ChangeNorm(update, method, global)).ToList();
        var bound = norms.Max() * 1.5;
        var robust = RobustStep.Run(method, global, attacked, Options, new RobustTerms(RobustRule.None, 1, bound), default);
        var (node, norm) = Assert.Single(robust.Bounded);
        Assert.Equal(honest[Hostile].Node, node);
        Assert.Equal(norms[Hostile] * 1000, norm, norms[Hostile]);
        for (var k = 0; k < Nodes; k++)
        {
            var changed = robust.Updates[k];
            Assert.Equal(changed.Node == node ? bound : norms[honest.FindIndex(update => update.Node == changed.Node)],
                ChangeNorm(changed, method, global), bound * 1e-4);
        }
    }

    [Fact]
    public void The_order_of_arrival_and_the_number_of_threads_change_no_byte()
    {
        var method = Methods.Get("fedit");
        var global = Global(method);
        var honest = Honest(method, global);
        foreach (var rule in (RobustRule[])[RobustRule.Median, RobustRule.TrimmedMean, RobustRule.Krum])
        {
            var terms = new RobustTerms(rule, 2, 0.5);
            var one = RobustStep.Run(method, global, new UpdateSet(honest), Options with { Threads = 1 }, terms, default);
            var two = RobustStep.Run(method, global, new UpdateSet(honest.AsEnumerable().Reverse()), Options with { Threads = 4 }, terms,
                default);
            Assert.Equal(method.Aggregate(global, one.Updates, Options, default).Global.ToBytes(),
                method.Aggregate(global, two.Updates, Options, default).Global.ToBytes());
            Assert.Equal(one.LeftOut, two.LeftOut);
        }
    }

    [Theory]
    [InlineData(RobustRule.Krum, 3, "robust.rule krum")]
    [InlineData(RobustRule.Median, 4, "robust.rule median")]
    [InlineData(RobustRule.TrimmedMean, 4, "robust.rule trimmed-mean")]
    public void Too_few_updates_for_the_promise_are_refused(RobustRule rule, int outliers, string expected)
    {
        var method = Methods.Get("fedit");
        var global = Global(method);
        var error = Assert.Throws<FedLoraException>(() => RobustStep.Run(method, global, new UpdateSet(Honest(method, global)), Options,
            new RobustTerms(rule, outliers, 0), default));
        Assert.Equal("robust-too-few", error.Code);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_method_cannot_do_is_refused_with_why()
    {
        var refused = Methods.All.Where(method => Refuses(method, RobustRule.Median)).Select(method => method.Name).ToList();
        Assert.Equal(Methods.All.Select(method => method.Name).Except(ByEntry.Select(row => row.Data)), refused);
        Assert.DoesNotContain(Methods.All, method => Refuses(method, RobustRule.Krum));
        Assert.Throws<FedLoraException>(() => new RobustTerms(RobustRule.Krum, 1, 0).Check(Methods.Get("flexlora"), mixesRanks: true));

        static bool Refuses(IFederatedMethod method, RobustRule rule) =>
            Record.Exception(() => new RobustTerms(rule, 1, 0).Check(method, mixesRanks: false)) is FedLoraException;
    }

    private static AdapterState Global(IFederatedMethod method) =>
        method.Initialize(Layout, MethodOptions.Default, 7, new RandomWeights(7));

    // All learn much the same: a common change, and a smaller one of their own.
    private static List<IUpdate> Honest(IFederatedMethod method, AdapterState global)
    {
        var start = method.Start(global, null, new NodeTerms(Layout, MethodOptions.Default, 1, 7, Layout.Rank)).Adapter;
        return [.. Enumerable.Range(0, Nodes).Select(k =>
        {
            var (common, own) = (new Random(1), new Random(100 + k));
            return new MemoryUpdate($"node-{k}", 10 + k, new AdapterState(start.Only(method.Sent(1, MethodOptions.Default)).Select(tensor =>
                tensor with
                {
                    Values = [.. tensor.Values.Select(v =>
                        v + (0.1f * (common.NextSingle() - 0.2f)) + (0.02f * (own.NextSingle() - 0.5f)))],
                })));
        })];
    }

    private static MemoryUpdate Attack(IUpdate update, string attack, IFederatedMethod method, AdapterState global)
    {
        var start = method.Start(global, null, new NodeTerms(Layout, MethodOptions.Default, 1, 7, Layout.Rank)).Adapter;
        var noise = new Random(5);
        return new MemoryUpdate(update.Node, update.Examples, new AdapterState(start.Only(method.Sent(1, MethodOptions.Default))
            .Select(tensor =>
            {
                var values = Read(update, tensor.Name);
                return tensor with
                {
                    Values = [.. tensor.Values.Select((from, i) => attack switch
                    {
                        "scaled" => from + (1000 * (values[i] - from)),
                        "flipped" => from - (values[i] - from),
                        _ => from + (20 * (noise.NextSingle() - 0.5f)),
                    })],
                };
            })));
    }

    private static double ChangeNorm(IUpdate update, IFederatedMethod method, AdapterState global)
    {
        var start = method.Start(global, null, new NodeTerms(Layout, MethodOptions.Default, 1, 7, Layout.Rank)).Adapter;
        return Math.Sqrt(start.Only(method.Sent(1, MethodOptions.Default)).Sum(tensor => Read(update, tensor.Name)
            .Select((value, i) => Math.Pow((double)value - tensor.Values[i], 2)).Sum()));
    }

    private static double Distance(AdapterState state, IUpdate update)
    {
        using var reader = update.Open();
        return Math.Sqrt(reader.Shapes.Keys.Sum(name => Read(update, name)
            .Select((value, i) => Math.Pow((double)value - state[name].Values[i], 2)).Sum()));
    }

    private static float[] Read(IUpdate update, string name)
    {
        using var reader = update.Open();
        var values = new float[AdapterTensor.Count(reader.Shapes[name])];
        reader.Read(name, values);
        return values;
    }
}
