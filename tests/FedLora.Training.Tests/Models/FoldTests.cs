using FedLora.Adapters;
using FedLora.Tests;
using FedLora.Training.Models;

namespace FedLora.Training.Tests.Models;

[Trait("Category", "Fixtures")]
public sealed class FoldTests
{
    public static TheoryData<string, ComputeType, int> Cases =>
        new MatrixTheoryData<string, ComputeType, int>(["llama", "gpt2", "bert-classify", "phi3"], [ComputeType.F32, ComputeType.BF16],
            [1, 100]);

    [FixtureTheory("models", "model.safetensors")]
    [MemberData(nameof(Cases))]
    public void Folds_arrive_whole_however_small_and_many(string name, ComputeType compute, int rounds)
    {
        using var exact = BaseModel.Load(Fixtures.PathOf("models", name));
        using var model = BaseModel.Load(Fixtures.PathOf("models", name), new LoadOptions { Compute = compute });
        // Far below half a rounding step of bfloat16, 2^-9 of the weight.
        var folds = Enumerable.Range(0, rounds).Select(round => Small(exact, 3e-4, round)).ToArray();
        model.SetFolds(folds);
        var reference = exact.LayoutFor(Linear(exact)).Modules.ToDictionary(m => m.Name, m => Sum(exact, m, folds));
        foreach (var module in exact.LayoutFor(Linear(exact)).Modules)
        {
            var actual = Read(model, module);
            for (var i = 0; i < actual.Length; i++)
            {
                var bound = (Math.Abs(reference[module.Name][i]) * (compute == ComputeType.BF16 ? Math.Pow(2, -8) * 1.001 : 1e-6)) + 1e-7;
                Assert.True(Math.Abs(actual[i] - reference[module.Name][i]) <= bound,
                    $"{module.Name}[{i}]: {actual[i]} instead of {reference[module.Name][i]} (from {Read(exact, module)[i]})");
            }
        }
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    [InlineData("gpt2")]
    public void Other_folds_replace_those_before_and_none_gives_the_checkpoint(string name)
    {
        using var model = BaseModel.Load(Fixtures.PathOf("models", name), new LoadOptions { Compute = ComputeType.BF16 });
        var module = model.LayoutFor(Linear(model)).Modules[0];
        var (first, second, before) = (Small(model, 0.1, 1), Small(model, 0.1, 2), Read(model, module));
        model.SetFolds([second]);
        var direct = Read(model, module);
        model.SetFolds([first]);
        Assert.NotEqual(direct, Read(model, module));
        model.SetFolds([second]);
        Assert.Equal(direct, Read(model, module));
        model.SetFolds([]);
        Assert.Equal(before, Read(model, module));
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    public void A_fold_that_does_not_fit_changes_nothing(string name)
    {
        using var model = BaseModel.Load(Fixtures.PathOf("models", name));
        var module = model.LayoutFor(Linear(model)).Modules[0];
        var (good, before) = (Small(model, 0.1, 1), Read(model, module));
        var tensor = good.Last(t => AdapterKey.Parse(t.Name).Factor == Factors.A);
        var wide = good.With(
            [tensor with { Shape = [tensor.Rows, tensor.Columns + 1], Values = new float[tensor.Rows * (tensor.Columns + 1)] }]);
        Assert.Equal("tensor-shape", Assert.Throws<FedLoraException>(() => model.SetFolds([wide])).Code);
        var broken = good.With([tensor with { Values = [.. tensor.Values.Select(_ => float.NaN)] }]);
        Assert.Equal("tensor-not-finite", Assert.Throws<FedLoraException>(() => model.SetFolds([good, broken])).Code);
        Assert.Equal(before, Read(model, module));
    }

    private static PeftConfig Linear(BaseModel model) =>
        new() { Rank = 2, Alpha = 2, TargetModules = ModelLayout.Settings(model.Architecture, 2, 2).TargetModules };

    /// <summary>
    /// Rank 1 for every module, its entries so large relative to the weights' mean size; in the same direction every round, so that they
    /// add up.
    /// </summary>
    private static AdapterState Small(BaseModel model, double share, int round) =>
        new(model.LayoutFor(Linear(model)).Modules.SelectMany(module =>
        {
            var size = Read(model, module).Average(Math.Abs);
            var factor = (float)Math.Sqrt(share * size * (1 + (round % 3 * 0.1)));
            return new[]
            {
                new AdapterTensor(new AdapterKey(module.Name, Factors.A).Name, [1, module.DIn],
                    [.. Enumerable.Range(0, module.DIn).Select(i => factor * (i % 2 == 0 ? 1 : -1))]),
                new AdapterTensor(new AdapterKey(module.Name, Factors.B).Name, [module.DOut, 1],
                    [.. Enumerable.Range(0, module.DOut).Select(i => factor * (i % 3 == 0 ? -1 : 1))]),
            };
        }));

    private static double[] Sum(BaseModel model, AdapterModule module, IReadOnlyList<AdapterState> folds)
    {
        var sum = Array.ConvertAll(Read(model, module), value => (double)value);
        foreach (var fold in folds)
        {
            var (a, b) = (fold[new AdapterKey(module.Name, Factors.A).Name].Values,
                fold[new AdapterKey(module.Name, Factors.B).Name].Values);
            for (var i = 0; i < sum.Length; i++)
                sum[i] += (double)b[i / module.DIn] * a[i % module.DIn];
        }
        return sum;
    }

    private static float[] Read(BaseModel model, AdapterModule module)
    {
        var values = new float[module.DOut * module.DIn];
        model.Read(module, values);
        return values;
    }
}
