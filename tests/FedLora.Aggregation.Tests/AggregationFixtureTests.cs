using FedLora.Adapters;

namespace FedLora.Aggregation.Tests;

/// <summary>Every method against <c>fixtures/aggregation</c>, whatever cases lie there.</summary>
[Trait("Category", "Fixtures")]
public sealed class AggregationFixtureTests
{
    public static TheoryData<string> Averaging => ["fedit", "ffa-lora", "fedex-lora", "fedsa-lora", "rolora", "hetlora"];

    [Theory]
    [MemberData(nameof(Averaging))]
    public void TheFactorsAreTheExpectedOnes(string method)
    {
        foreach (var c in AggregationCase.Of(method))
        {
            for (var round = 1; round <= (method == "rolora" ? 2 : 1); round++)
            {
                var global = round == 1 ? c.Global() : c.Method.Aggregate(c.Global(), c.Updates(1), c.Options(1), default).Global;
                var result = c.Method.Aggregate(global, c.Updates(round), c.Options(round), default);
                foreach (var module in c.Layout.Modules)
                {
                    var prefix = method == "rolora" ? $"{round}.{module.Name}" : module.Name;
                    foreach (var factor in (ReadOnlySpan<Factors>)[Factors.A, Factors.B])
                    {
                        if (c.Has($"{prefix}.{factor}"))
                            c.Equal($"{prefix}.{factor}", Naive.Doubles(result.Global[new AdapterKey(module.Name, factor).Name]));
                    }
                    if (c.Has($"{prefix}.product"))
                        c.Equal($"{prefix}.product", Naive.Product(result.Global, module, c.Layout.Scale));
                }
            }
        }
    }

    [Fact]
    public void FedSvdGivesOrthonormalRowsWithTheFixedSigns()
    {
        foreach (var c in AggregationCase.Of("fedsvd"))
        {
            var result = c.Method.Aggregate(c.Global(), c.Updates(), c.Options(), default);
            foreach (var module in c.Layout.Modules)
            {
                c.Equal($"{module.Name}.product", Naive.Product(result.Global, module, c.Layout.Scale));
                c.Equal($"{module.Name}.A", Naive.Doubles(result.Global[new AdapterKey(module.Name, Factors.A).Name]));
                c.Equal($"{module.Name}.B", Naive.Doubles(result.Global[new AdapterKey(module.Name, Factors.B).Name]));
            }
        }
    }

    [Fact]
    public void FedSbAveragesRByExamplesAndUniformly()
    {
        foreach (var c in AggregationCase.Of("fed-sb"))
        {
            foreach (var weighting in Enum.GetValues<Weighting>())
            {
                var result = c.Method.Aggregate(c.Global(), c.Updates(), c.Options(method: new MethodOptions { Weighting = weighting }),
                    default);
                foreach (var module in c.Layout.Modules)
                {
                    var prefix = weighting == Weighting.Uniform ? "uniform." : "";
                    c.Equal($"{prefix}{module.Name}.R", Naive.Doubles(result.Global[new AdapterKey(module.Name, Factors.R).Name]));
                    if (c.Has($"{prefix}{module.Name}.product"))
                        c.Equal($"{prefix}{module.Name}.product", Naive.Product(result.Global, module, c.Layout.Scale));
                }
            }
        }
    }

    [Fact]
    public void FedExAddsTheResidualOrItsBestPart()
    {
        foreach (var c in AggregationCase.Of("fedex-lora"))
        {
            foreach (var module in c.Layout.Modules)
            {
                var whole = c.Method.Aggregate(c.Global(), c.Updates(), c.Options(), default);
                c.Equal($"{module.Name}.residual", Naive.Product(whole.Fold!, module));
                for (var rank = 1; rank <= 64; rank++)
                {
                    if (!c.Has($"{module.Name}.residual_rank{rank}"))
                        continue;
                    var cut = c.Method.Aggregate(c.Global(), c.Updates(), c.Options(method: new MethodOptions { ResidualRank = rank }),
                        default);
                    c.Equal($"{module.Name}.residual_rank{rank}", Naive.Product(cut.Fold!, module));
                }
            }
        }
    }

    [Fact]
    public void FLoraFoldsTheProductOfTheStackedFactors()
    {
        foreach (var c in AggregationCase.Of("flora"))
        {
            var fold = c.Method.Aggregate(c.Global(), c.Updates(), c.Options(), default).Fold!;
            foreach (var module in c.Layout.Modules)
                c.Equal($"{module.Name}.dW", Naive.Product(fold, module));
        }
    }

    [Fact]
    public void FlexLoraGivesEveryRankItsBestProduct()
    {
        foreach (var c in AggregationCase.Of("flexlora"))
        {
            var result = c.Method.Aggregate(c.Global(), c.Updates(), c.Options(), default);
            foreach (var rank in c.Ranks)
            {
                var start = c.Method.Start(result.Global, null, new NodeTerms(c.Layout, MethodOptions.Default, 2, 7, rank));
                foreach (var module in c.Layout.Modules)
                    c.Equal($"{module.Name}.rank{rank}.product", Naive.Product(start.Adapter, module, start.Layout.Scale));
            }
        }
    }

    [Fact]
    public void LoraFairReachesTheBestValueOfItsObjective()
    {
        foreach (var c in AggregationCase.Of("lora-fair"))
        {
            var fedit = Methods.Get("fedit").Aggregate(c.Global(), c.Updates(), c.Options(), default).Global;
            foreach (var given in c.Json.GetProperty("lambda").EnumerateArray())
            {
                // Keys hold lambda as the JSON writes it: 0.0, 1.0.
                var (lambda, name) = (given.GetDouble(), given.GetRawText());
                var cosine = c.Method.Aggregate(c.Global(), c.Updates(), c.Options(method: new MethodOptions { Lambda = lambda }),
                    default).Global;
                var squares = c.Method.Aggregate(c.Global(), c.Updates(),
                    c.Options(method: new MethodOptions { Lambda = lambda, FairObjective = FairObjective.LeastSquares }), default).Global;
                foreach (var module in c.Layout.Modules)
                {
                    var value = Objective(c, module, fedit, cosine, lambda);
                    var best = c.Expected($"{name}.{module.Name}.f_ref")[0];
                    Assert.True(value <= best + 1e-4, $"{c.File} lambda {name} {module.Name}: {value} above {best}");
                    if (c.Has($"leastsquares.{name}.{module.Name}.dB"))
                    {
                        var key = new AdapterKey(module.Name, Factors.B).Name;
                        c.Equal($"leastsquares.{name}.{module.Name}.dB",
                            [.. squares[key].Values.Zip(fedit[key].Values, (x, y) => (double)x - y)]);
                    }
                }
            }
        }
    }

    private static double Objective(AggregationCase c, AdapterModule module, AdapterState mean, AdapterState corrected, double lambda)
    {
        var weights = c.Updates().Weights(Weighting.Examples);
        var target = Naive.Sum(c.Updates().Select((u, k) => Naive.Product(StateOf(u), module, weights[k])));
        var product = Naive.Product(corrected, module);
        var cosine = target.Zip(product, (x, y) => x * y).Sum() / (Naive.Norm(target) * Naive.Norm(product));
        var key = new AdapterKey(module.Name, Factors.B).Name;
        return 1 - cosine + (lambda * Naive.Distance(Naive.Doubles(corrected[key]), Naive.Doubles(mean[key])));
    }

    private static AdapterState StateOf(IUpdate update)
    {
        using var reader = update.Open();
        return new AdapterState(reader.Shapes.Select(shape =>
        {
            var values = new float[AdapterTensor.Count(shape.Value)];
            reader.Read(shape.Key, values);
            return new AdapterTensor(shape.Key, shape.Value, values);
        }));
    }
}
