using FedLora.Adapters;

namespace FedLora.Aggregation.Tests;

/// <summary>
/// Factors as they come in life and seldom from a generator: equal, nearly equal, scaled apart, zero; of up to 200 nodes.
/// </summary>
public sealed class ExtremeFactorsTests
{
    private const int Rank = 2;

    // Side by side, 24 nodes' factors fit the second module, but not the first.
    private static readonly AdapterLayout Layout = new([new AdapterModule("narrow", 20, 33), new AdapterModule("wide", 90, 70)], Rank, 4,
        []);

    private static readonly Dictionary<string, Func<int, Factors, double, double>> Kinds = new(StringComparer.Ordinal)
    {
        ["equal"] = (_, _, common) => common,
        ["equal A, as one step from B = 0 leaves them"] = (node, factor, common) => factor == Factors.A ? common
            : common * Math.Cos(node + (5 * common)),
        ["nearly equal"] = (node, _, common) => common * (1 + (1e-7 * Math.Cos(node))),
        ["scaled"] = (node, _, common) => common * Math.Pow(10, (node % 13) - 6),
        ["zero B"] = (node, factor, common) => factor == Factors.A ? common + Math.Sin(node + common) : 0,
        ["zero"] = (_, _, _) => 0,
        ["all but one zero"] = (node, _, common) => node == 0 ? common : 0,
        ["tiny"] = (node, _, common) => 1e-30 * (common + (0.1 * Math.Cos(node * common))),
        ["huge"] = (node, factor, common) => (factor == Factors.A ? 1e15 : 1e22) * (common + (0.1 * Math.Cos(node * common))),
    };

    public static TheoryData<string, string> All => new(Methods.All.SelectMany(m => Kinds.Keys.Select(kind => (m.Name, kind))));

    [Theory]
    [MemberData(nameof(All))]
    public void TheResultIsFiniteAndAnExactMethodsTheMean(string name, string kind)
    {
        var method = Methods.Get(name);
        foreach (var nodes in (ReadOnlySpan<int>)[1, 2, 24, 40, 200])
        {
            var global = Global(method);
            var updates = Enumerable.Range(0, nodes).Select(k => Update(method, global, k, Kinds[kind])).ToArray();
            var result = method.Aggregate(global, new UpdateSet(updates.Select((u, k) => new MemoryUpdate($"node-{k:D3}", 1, u))),
                new AggregationOptions(Layout, MethodOptions.Default, 1, 1), default);
            result.Global.RequireFinite();
            result.Fold?.RequireFinite();
            Assert.True(result.Report.RelativeError is null or >= 0, $"{nodes} nodes: {result.Report.RelativeError}");
            // Under flexlora the mean of products with a common A has no rank to lose.
            if (!method.Traits.Exact && !(name == "flexlora" && kind.StartsWith("equal", StringComparison.Ordinal)))
                continue;
            foreach (var module in Layout.Modules)
            {
                var mean = Naive.Sum(updates.Select(u => Naive.Product(u, module, Layout.Scale / nodes, fallback: global)));
                var product = Naive.Product(result.Global, module, Layout.Scale);
                if (result.Fold is not null)
                    product = Naive.Sum([product, Naive.Product(result.Fold, module)]);
                // Not of the mean's norm: where products cancel, float32 factors cannot.
                var scale = updates.Max(u => Naive.Norm(Naive.Product(u, module, Layout.Scale / nodes, fallback: global)));
                Assert.True(Naive.Distance(mean, product) <= 1e-5 * Math.Max(scale, Naive.Norm(mean)),
                    $"{nodes} nodes, {module.Name}: {Naive.Distance(mean, product)} of {Naive.Norm(mean)}");
            }
        }
    }

    [Theory]
    [InlineData("flora")]
    [InlineData("fedex-lora")]
    public void TheExportOfEqualFoldsIsTheirSum(string name)
    {
        var method = Methods.Get(name);
        var global = Global(method);
        var fold = new AdapterState(
            (Layout with { Rank = 3 }).Tensors(Factors.A | Factors.B).Select(t => Tensor(t, (i, _) => Math.Sin(i + 1), 0)));
        foreach (var count in (ReadOnlySpan<int>)[30, 200])
        {
            var (adapter, layout) = method.Export(global, [.. Enumerable.Repeat(fold, count)], Layout);
            adapter.RequireFinite();
            foreach (var module in layout.Modules)
            {
                Assert.InRange(layout.RankOf(module), 1, 3 + Rank);
                var expected = Naive.Sum([Naive.Product(global, module, Layout.Scale), Naive.Product(fold, module, count)]);
                AggregationCase.Near(module.Name, expected, Naive.Product(adapter, module, layout.ScaleOf(module)));
            }
        }
    }

    [Theory]
    [InlineData(300, 200, 1.0)]
    [InlineData(64, 64, 1e-60)]
    [InlineData(50, 120, 1e60)]
    public void QIsOrthonormalAndQRIsXWhereColumnsAreEqual(int rows, int columns, double scale)
    {
        using var x = new Matrix(rows, columns);
        for (var j = 0; j < columns; j++)
        {
            for (var i = 0; i < rows; i++)
                x[i, j] = scale * Math.Cos(i + (j % 3)) * (1 + (j % 2));
        }
        using var qr = new Householder(x);
        var (q, r) = (qr.Q(), qr.R());
        var product = q.Times(r);
        for (var j = 0; j < columns; j++)
        {
            for (var i = 0; i < rows; i++)
                Assert.InRange(product[i, j] - x[i, j], -1e-12 * scale, 1e-12 * scale);
        }
        var gram = q.Gram();
        for (var j = 0; j < q.Columns; j++)
        {
            for (var i = 0; i < q.Columns; i++)
                Assert.Equal(i == j ? 1 : 0, gram[i, j], 1e-12);
        }
    }

    [Theory]
    [InlineData("flexlora", 1e20)]
    [InlineData("fedsvd", 1e38)]
    [InlineData("flora", 3e38)]
    [InlineData("fedex-lora", 3e38)]
    public void AResultThatFloat32DoesNotHoldIsRefusedWithModuleAndNode(string name, double huge)
    {
        var method = Methods.Get(name);
        var layout = Layout with { Alpha = name is "flora" or "fedex-lora" ? 40 : 4 };
        var global = new AdapterState(Global(method).Select(t => t with { Values = [.. t.Values.Select(v => 40 * v)] }));
        var updates = Enumerable.Range(0, 3)
            .Select(k => new MemoryUpdate($"node-{k}", 1, new AdapterState(Update(method, global, k, (_, _, common) => common)
                .Select(
                    t => k == 1 && t.Name.Contains("wide", StringComparison.Ordinal)
                        ? t with { Values = [.. t.Values.Select(_ => (float)huge)] } : t))));
        var error = Assert.Throws<FedLoraException>(
            () => method.Aggregate(global, new UpdateSet(updates), new AggregationOptions(layout, MethodOptions.Default, 1, 1), default));
        Assert.Equal("aggregate-not-finite", error.Code);
        Assert.Contains("'wide'", error.Message, StringComparison.Ordinal);
        Assert.Contains("'node-1'", error.Message, StringComparison.Ordinal);
    }

    private static AdapterState Global(IFederatedMethod method) =>
        method.Initialize(Layout, MethodOptions.Default, 1, new RandomWeights(1));

    private static AdapterState Update(IFederatedMethod method, AdapterState global, int node, Func<int, Factors, double, double> kind) =>
        new(Layout.Tensors(method.Sent(1, MethodOptions.Default))
            .Select(t => Tensor(t, (i, factor) => kind(node, factor, Math.Sin((i * 1.7) + t.Name.Length + 1)), node)));

    private static AdapterTensor Tensor((string Name, int[] Shape) tensor, Func<int, Factors, double> value, int node) =>
        new(tensor.Name, tensor.Shape,
            [.. Enumerable.Range(0, AdapterTensor.Count(tensor.Shape)).Select(i => (float)value(i, AdapterKey.Parse(tensor.Name).Factor))]);
}
