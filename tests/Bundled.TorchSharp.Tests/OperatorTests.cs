using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Tests;

public sealed class OperatorTests : ScopedTest
{
    private readonly Tensor _x = tensor(new float[] { -2, -0.5f, 0, 1, 3 });

    [Fact]
    public void Arithmetic_agrees_with_the_definition()
    {
        Check(x => 2 - x, 2 - _x);
        Check(x => (x * 3 + 1) / 2, (_x * 3 + 1) / 2);
        Check(x => 1 / (x + 10), 1 / (_x + 10));
        Check(x => -x, -_x);
        Check(x => x * x * x, _x.pow(3));
        Check(x => MathF.Floor(x / 2), _x.div(2, RoundingMode.floor));
        Check(x => x > 0 ? x : 0, _x.clamp(min: 0));
        Check(x => x > 0 ? x : 0, _x.relu());
        Check(x => x >= 1 ? 1 : 0, (_x >= 1).@float());
        Check(x => x + 2 * x, _x.add(_x, 2));
        Check(x => x * x - 1, _x.clone().mul_(_x).sub_(1));
        Check(x => x + 0.5f * x * x, _x.addcmul(_x, _x, 0.5));
    }

    [Fact]
    public void Functions_agree_with_the_definition()
    {
        Check(MathF.Exp, _x.exp());
        Check(MathF.Tanh, _x.tanh());
        Check(MathF.Sin, _x.sin());
        Check(x => 1 / (1 + MathF.Exp(-x)), _x.sigmoid());
        Check(x => x / (1 + MathF.Exp(-x)), _x.silu());
        Check(x => 0.5f * x * (1 + MathF.Tanh(MathF.Sqrt(2 / MathF.PI) * (x + 0.044715f * x * x * x))), _x.gelu(Modules.GELU.Approximate.tanh));
        Check(x => 1 / MathF.Sqrt(x * x + 1), (_x.square() + 1).rsqrt_());
    }

    [Fact]
    public void Reductions_agree_with_the_definition()
    {
        var m = tensor(new float[,] { { 1, 2, 3 }, { 4, 5, 9 } });
        Near.Equal([24], m.sum());
        Near.Equal([6, 18], m.sum(1));
        Near.Equal([4], m.mean());
        Near.Equal([2.5f, 3.5f, 6], m.mean([0]));
        Assert.Equal((9f, 5L), (m.max().item<float>(), m.argmax().item<long>()));
        Assert.Equal([2L, 2], m.max(1).indexes.data<long>().ToArray());
        Near.Equal([3, 9], m.amax(1));
        Near.Equal([1, 3, 6, 4, 9, 18], m.cumsum(1));
        Near.Equal([MathF.Sqrt(136)], m.norm());
        Near.Equal([MathF.Log(MathF.Exp(1) + MathF.Exp(2) + MathF.Exp(3))], m[0].logsumexp(0));
        Near.Equal([9, 5], m[1].topk(2).values);
        Near.Equal([3, 2, 1], m[0].sort(descending: true).Values);
        Assert.True(m.isfinite().all().item<bool>());
        Assert.False(m.gt(8).all().item<bool>());
    }

    [Fact]
    public void Matrices_agree_with_each_other()
    {
        var (a, b) = (randn([3, 4], dtype: float64), randn([4, 5], dtype: float64));
        Near.Equal(a.matmul(b), einsum("ij,jk->ik", a, b), 1e-12);
        Near.Equal(a.mm(b), F.linear(a, b.t()), 1e-12);
        Near.Equal(a.mm(b).mul(2).add(3), full([3, 5], 1.0, dtype: float64).addmm_(a, b, beta: 3, alpha: 2), 1e-12);
        var square = a.mm(a.t()) + eye(3, dtype: float64);
        var (u, s, vh) = linalg.svd(square);
        Near.Equal(square, u.mul(s).mm(vh), 1e-12);
        Near.Equal(eye(3, dtype: float64), linalg.inv(square).mm(square), 1e-10);
        var l = linalg.cholesky(square);
        Near.Equal(square, l.mm(l.t()), 1e-12);
        var (q, r) = linalg.qr(a.t());
        Near.Equal(a.t(), q.mm(r), 1e-12);
        var (values, vectors) = linalg.eigh(square);
        Near.Equal(square, vectors.mul(values).mm(vectors.t()), 1e-12);
    }

    [Fact]
    public void Attention_is_what_its_equation_says()
    {
        var (q, k, v) = (randn(2, 3, 5, 8), randn(2, 3, 5, 8), randn(2, 3, 5, 8));
        var scores = q.matmul(k.transpose(-2, -1)) / Math.Sqrt(8);
        Near.Equal(scores.softmax(-1).matmul(v), F.scaled_dot_product_attention(q, k, v), 1e-5);
        var allowed = ones([5, 5], @bool).tril();
        var causal = scores.masked_fill(allowed.logical_not(), double.NegativeInfinity).softmax(-1).matmul(v);
        Near.Equal(causal, F.scaled_dot_product_attention(q, k, v, is_casual: true), 1e-5);
        Near.Equal(causal, F.scaled_dot_product_attention(q, k, v, allowed), 1e-5);
    }

    [Fact]
    public void Losses_agree_with_their_definitions()
    {
        var logits = randn(4, 6);
        var labels = tensor(new long[] { 1, -100, 5, 0 });
        var picked = F.log_softmax(logits, 1);
        var expected = -(picked[0, 1] + picked[2, 5] + picked[3, 0]) / 3;
        Near.Equal(expected, F.cross_entropy(logits, labels), 1e-5);
        Near.Equal(expected * 3, F.cross_entropy(logits, labels, reduction: nn.Reduction.Sum), 1e-5);
    }

    [Fact]
    public void Gradients_flow_modes_nest_and_leaves_keep_them()
    {
        var x = tensor(new float[] { 1, 2 }, requires_grad: true);
        var y = x * x;
        y.retain_grad();
        y.sum().backward();
        Near.Equal([2, 4], x.grad!);
        Near.Equal([1, 1], y.grad!);
        Near.Equal([3, 3], autograd.grad([(x * 3).sum()], [x])[0]);
        using (no_grad())
        {
            Assert.False((x * 2).requires_grad);
            using (enable_grad())
                Assert.True((x * 2).requires_grad);
            Assert.False(is_grad_enabled());
        }
        using (inference_mode())
            Assert.False((x * 2).requires_grad);
        Assert.True(is_grad_enabled());
        Assert.False(x.detach().requires_grad);
        x.grad = null;
        Assert.Null(x.grad);
    }

    [Fact]
    public void Threads_are_set_and_read()
    {
        var before = get_num_threads();
        set_num_threads(2);
        Assert.Equal(2, get_num_threads());
        set_num_threads(before);
        Assert.StartsWith("1.", __version__, StringComparison.Ordinal);
    }

    private void Check(Func<float, float> expected, Tensor actual) =>
        Near.Equal(_x.data<float>().ToArray().Select(expected).ToArray(), actual, 2e-6);
}
