using FedLora.Training.Blocks;
using FedLora.Training.Kernels;
using FedLora.Training.Tests.Models;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Kernels;

/// <summary>
/// Kernels against libtorch's own operations, one by one. Tolerance: 1e-5 of the largest entry in float32, 2^-7 where the kernel reads and
/// writes bfloat16.
/// </summary>
public sealed class KernelTests
{
    private const double Close = 1e-5;
    private const double Narrow = 1.0 / 128;

    [Theory]
    [InlineData(12, 12, 32, false, null, new[] { 65, 64, 3 }, false)]
    [InlineData(9, 3, 64, true, null, new[] { 128, 128, 33, 1 }, true)]
    [InlineData(4, 2, 20, true, 7, new[] { 70, 31, 31 }, true)]
    [InlineData(4, 1, 8, true, 40, new[] { 100, 1 }, false)]
    public void Attention_and_its_gradient_are_those_of_softmax_and_products(int heads, int keyHeads, int size, bool causal, int? window,
        int[] lengths, bool turned)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            using var random = new Generator(5, CPU);
            var rows = lengths.Sum();
            var x = randn([rows, (heads + (2 * keyHeads)) * size], generator: random).to(type).to(ScalarType.Float32);
            var g = randn([rows, heads * size], generator: random).to(type).to(ScalarType.Float32);
            var angles = randn([rows, 1, size / 2], generator: random);
            (Tensor, Tensor)? at = turned ? (angles.cos(), angles.sin()) : null;
            var plan = new AttentionPlan(heads, keyHeads, size, 0.3f, causal, window);
            var mine = x.to(type).detach().requires_grad_();
            var result = AttentionFunction.apply(mine, new AttentionFunction.Call(plan, Groups(lengths), at));
            result.backward([g.to(type)]);
            var reference = x.detach().requires_grad_();
            var expected = Naive(reference, plan, lengths, at);
            expected.backward([g]);
            var tolerance = type == ScalarType.Float32 ? Close : Narrow;
            ModelFixture.AssertClose(Values(expected), Values(result), $"attention in {type}", tolerance);
            ModelFixture.AssertClose(Values(reference.grad!), Values(mine.grad!), $"attention's gradient in {type}", tolerance);
        }
    }

    [Theory]
    [InlineData(7, 1000, 1000)]
    [InlineData(5, 4097, 2048)]
    [InlineData(3, 50, 7)]
    public void Judging_some_columns_at_a_time_gives_what_log_softmax_gives_of_all(int rows, int columns, int atOnce)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            using var random = new Generator(8, CPU);
            var drawn = randn([rows, columns], generator: random).data<float>().ToArray().Select(number => 20 * number).ToArray();
            // The highest of the first row twice, and nothing but one value in the last: the first is the guess.
            drawn[3] = drawn[columns - 1] = 200;
            Array.Fill(drawn, -7, (rows - 1) * columns, columns);
            var z = tensor(drawn, [rows, columns]).to(type);
            var targets = randint(0, columns, [rows], generator: random, dtype: ScalarType.Int64);
            var kernel = new JudgeKernel(targets);
            for (var first = 0; first < columns; first += atOnce)
                kernel.Add(z.narrow(1, first, Math.Min(atOnce, columns - first)).contiguous(), 0, first);
            var (judged, logs) = (kernel.Result(), nn.functional.log_softmax(z.to(ScalarType.Float64), -1));
            ModelFixture.AssertClose(Values(logs.gather(1, targets.unsqueeze(1)).neg().to(ScalarType.Float32)), Values(judged[0]),
                $"losses in {type}", Close);
            ModelFixture.AssertClose(Values(logs.max(1).values.exp().to(ScalarType.Float32)), Values(judged[2]), $"confidences in {type}",
                Close);
            var numbers = z.to(ScalarType.Float32).data<float>().ToArray();
            var guesses = Enumerable.Range(0, rows).Select(row =>
            {
                var mine = numbers.AsSpan(row * columns, columns).ToArray();
                return (long)Array.IndexOf(mine, mine.Max());
            });
            Assert.Equal(guesses, judged[1].data<long>().ToArray());
        }
    }

    [Theory]
    [InlineData(7, 1000)]
    [InlineData(3, 15)]
    public void A_bias_is_added_in_float32_and_rounded_once(int rows, int size)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(9, CPU);
        var (x, bias) = (randn([rows, size], generator: random).to(ScalarType.BFloat16), randn([size], generator: random));
        var wide = x.to(ScalarType.Float32).SumWith(bias);
        Assert.Equal(Values(wide), Values(BiasKernel.Add(x, bias, ScalarType.Float32)));
        // In its place.
        Assert.Equal(Values(wide.to(ScalarType.BFloat16)), Values(BiasKernel.Add(x, bias, ScalarType.BFloat16)));
        Assert.Equal(Values(wide.to(ScalarType.BFloat16)), Values(x));
    }

    [Theory]
    [InlineData(7, 1000)]
    [InlineData(3, 15)]
    [InlineData(40, 4097)]
    public void Cross_entropy_leaves_its_gradient_in_the_place_of_the_logits(int rows, int words)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            using var random = new Generator(6, CPU);
            // Wide enough for exponentials that vanish.
            var logits = randn([rows, words], generator: random).mul(30).to(type);
            var (targets, weights, losses) = (randint(0, words, [rows], generator: random), rand([rows], generator: random), empty([rows]));
            var leaf = logits.to(ScalarType.Float32).detach().requires_grad_();
            var expected = nn.functional.log_softmax(leaf, -1).gather(1, targets.unsqueeze(1)).squeeze(1).neg();
            expected.mul(weights).sum().backward();
            var parts = new[] { logits.narrow(1, 0, words / 2).clone(), logits.narrow(1, words / 2, words - (words / 2)).clone() };
            CrossEntropyKernel.Run(parts, targets, weights, losses);
            var gradient = cat(parts, 1);
            ModelFixture.AssertClose(Values(expected), Values(losses), "loss", Close);
            ModelFixture.AssertClose(Values(leaf.grad!), Values(gradient), "gradient", type == ScalarType.Float32 ? Close : Narrow);
        }
    }

    [Theory]
    [InlineData(3, 64)]
    [InlineData(70, 21)]
    public void Gated_activation_is_silu_times_the_other_half(int rows, int size)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            using var random = new Generator(7, CPU);
            var (x, g) = (randn([rows, 2 * size], generator: random).mul(4).to(type), randn([rows, size], generator: random).to(type));
            var (mine, reference) = (x.detach().requires_grad_(), x.to(ScalarType.Float32).detach().requires_grad_());
            var (result, expected) = (GatedFunction.apply(mine),
                nn.functional.silu(reference.narrow(1, 0, size)).mul(reference.narrow(1, size, size)));
            result.backward([g]);
            expected.backward([g.to(ScalarType.Float32)]);
            ModelFixture.AssertClose(Values(expected), Values(result), "silu(a) b", type == ScalarType.Float32 ? Close : Narrow);
            ModelFixture.AssertClose(Values(reference.grad!), Values(mine.grad!), "its gradient",
                type == ScalarType.Float32 ? Close : Narrow);
        }
    }

    [Theory]
    [InlineData(3, 64, 0.0)]
    [InlineData(130, 21, 1.0)]
    public void Rms_norm_and_its_gradient_are_what_the_equation_says(int rows, int size, double offset)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            using var random = new Generator(8, CPU);
            var (x, w, g) = (randn([rows, size], generator: random), randn([size], generator: random),
                randn([rows, size], generator: random).to(type));
            var (mine, weight) = (x.detach().requires_grad_(), w.detach().requires_grad_());
            var (reference, scale) = (x.clone().detach().requires_grad_(), w.clone().detach().requires_grad_());
            var result = RmsNormFunction.apply(mine, weight, 1e-5, offset, type);
            var expected = reference.mul(reference.mul(reference).mean([-1], keepdim: true).add(1e-5).rsqrt()).mul(scale.add(offset));
            result.backward([g]);
            expected.backward([g.to(ScalarType.Float32)]);
            ModelFixture.AssertClose(Values(expected), Values(result), "norm", type == ScalarType.Float32 ? Close : Narrow);
            ModelFixture.AssertClose(Values(reference.grad!), Values(mine.grad!), "gradient by x", Close);
            ModelFixture.AssertClose(Values(scale.grad!), Values(weight.grad!), "gradient by the weight", Close);
        }
    }

    private static Tensor Naive(Tensor x, AttentionPlan plan, int[] lengths, (Tensor, Tensor)? at)
    {
        var all = x.view(x.shape[0], -1, plan.HeadSize);
        var (query, key, value) = (all.narrow(1, 0, plan.Heads), all.narrow(1, plan.Heads, plan.KeyHeads),
            all.narrow(1, plan.Heads + plan.KeyHeads, plan.KeyHeads));
        if (at is { } turn)
            (query, key) = (Rotary.Turn(query, turn), Rotary.Turn(key, turn));
        var results = new List<Tensor>();
        for (int i = 0, first = 0; i < lengths.Length; first += lengths[i++])
        {
            var length = lengths[i];
            var mask = new float[length * length];
            for (var row = 0; row < length; row++)
            {
                for (var column = 0; column < length; column++)
                    mask[(row * length) + column] = plan.Causal && (column > row || column <= row - (plan.Window ?? length))
                        ? float.NegativeInfinity : 0;
            }
            var parts = Enumerable.Range(0, plan.Heads).Select(head =>
            {
                var shared = head / (plan.Heads / plan.KeyHeads);
                var (q, k, v) = (query.narrow(0, first, length).select(1, head), key.narrow(0, first, length).select(1, shared),
                    value.narrow(0, first, length).select(1, shared));
                return q.mm(k.t()).mul(plan.Scale).add(tensor(mask, [length, length])).softmax(-1).mm(v);
            });
            results.Add(cat([.. parts], 1));
        }
        return cat(results, 0);
    }

    private static LengthGroup[] Groups(int[] lengths)
    {
        var first = 0;
        return [.. lengths.Select(length => new LengthGroup((first += length) - length, 1, length))];
    }

    private static float[] Values(Tensor of) => of.detach().to(ScalarType.Float32).contiguous().data<float>().ToArray();
}
