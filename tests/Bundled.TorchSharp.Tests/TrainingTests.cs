using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Tests;

public sealed class TrainingTests : ScopedTest
{
    [Fact]
    public void Five_hundred_steps_learn_and_native_memory_stays_flat()
    {
        manual_seed(1);
        var (x, target) = (randn(64, 128), randint(0, 10, [64]));
        var first = nn.Parameter(randn(256, 128) * 0.05);
        var second = nn.Parameter(randn(10, 256) * 0.05);
        using var optimizer = optim.AdamW([first, second], lr: 1e-2);
        float Step()
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            var loss = F.cross_entropy(F.linear(F.gelu(F.linear(x, first)), second), target);
            loss.backward();
            optimizer.step();
            return loss.item<float>();
        }

        var start = Step();
        for (var k = 0; k < 50; k++)
            Step();
        var (tensors, memory) = (Tensor.TotalCount, ResidentBytes());
        var end = 0f;
        for (var k = 0; k < 450; k++)
            end = Step();
        Assert.True(end < start / 20, $"loss went from {start} to {end}");
        Assert.Equal(tensors, Tensor.TotalCount);
        // One step makes about 1 MB of tensors: 450 leaked steps would be hundreds of MB.
        Assert.InRange(ResidentBytes() - memory, long.MinValue, 40L << 20);
    }

    [Fact]
    public void AdamW_is_the_published_rule()
    {
        var w = nn.Parameter(tensor(new double[] { 1, -2 }));
        using var optimizer = optim.AdamW([w], lr: 0.1, weight_decay: 0.01);
        double[] value = [1, -2], mean = [0, 0], square = [0, 0];
        for (var step = 1; step <= 5; step++)
        {
            optimizer.zero_grad();
            w.pow(3).sum().backward();
            optimizer.step();
            for (var k = 0; k < 2; k++)
            {
                var gradient = 3 * value[k] * value[k];
                mean[k] = 0.9 * mean[k] + 0.1 * gradient;
                square[k] = 0.999 * square[k] + 0.001 * gradient * gradient;
                value[k] -= 0.1 * 0.01 * value[k];
                value[k] -= 0.1 * mean[k] / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(square[k] / (1 - Math.Pow(0.999, step))) + 1e-8);
            }
        }
        Near.Equal(tensor(value), w.detach(), 1e-12);
    }

    [Fact]
    public void SGD_with_momentum_is_the_published_rule()
    {
        var w = nn.Parameter(tensor(new double[] { 1, -2 }));
        using var optimizer = optim.SGD([w], learningRate: 0.1, momentum: 0.9, weight_decay: 0.01);
        double[] value = [1, -2], buffer = [0, 0];
        for (var step = 0; step < 4; step++)
        {
            optimizer.zero_grad();
            w.square().sum().backward();
            optimizer.step();
            for (var k = 0; k < 2; k++)
            {
                buffer[k] = 0.9 * buffer[k] + 2 * value[k] + 0.01 * value[k];
                value[k] -= 0.1 * buffer[k];
            }
        }
        Near.Equal(tensor(value), w.detach(), 1e-12);
    }

    [Fact]
    public void Clipping_scales_all_gradients_together()
    {
        var (a, b) = (nn.Parameter(ones(2)), nn.Parameter(ones(2)));
        (a.sum() * 3 + b.sum() * 4).backward();
        Assert.Equal(Math.Sqrt(50), nn.utils.clip_grad_norm_([a, b], 1), 1e-5);
        Assert.Equal(1, Math.Sqrt(a.grad!.square().sum().ToDouble() + b.grad!.square().sum().ToDouble()), 1e-5);
    }

    private static long ResidentBytes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Environment.WorkingSet;
    }
}
