using FedLora.Training.Blocks;
using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Blocks;

public sealed class AttentionMasksTests
{
    [Theory]
    [InlineData(5, 0, 1, null)]
    [InlineData(4, 3, 2, null)]
    [InlineData(6, 2, 3, 3)]
    [InlineData(1, 4, 2, 2)]
    public void A_position_sees_itself_and_what_comes_before_as_far_as_the_window_reaches(int length, int past, int repeats, int? window)
    {
        using var scope = NewDisposeScope();
        using var masks = new AttentionMasks(CPU);
        var mask = masks.For(length, past, repeats, window)!;
        Assert.Equal([1, repeats * length, past + length], mask.shape);
        var values = mask.data<float>().ToArray();
        for (var i = 0; i < values.Length; i++)
        {
            var (position, column) = (past + (i / (past + length) % length), i % (past + length));
            Assert.Equal(column <= position && (window is null || column > position - window) ? 0 : float.NegativeInfinity, values[i]);
        }
    }

    [Fact]
    public void Long_texts_of_many_heads_overflow_nothing()
    {
        using var scope = NewDisposeScope();
        using var masks = new AttentionMasks(new Device(DeviceType.META));
        Assert.Equal([1, 8 * 16384, 16384], masks.For(16384, 0, 8, null)!.shape);
    }

    [Fact]
    public void What_is_kept_is_bounded_by_its_size()
    {
        using var scope = NewDisposeScope();
        using var masks = new AttentionMasks(new Device(DeviceType.META));
        Assert.Same(masks.For(512, 0, 1, null), masks.For(512, 0, 1, null));
        Assert.NotSame(masks.For(8192, 0, 1, null), masks.For(8192, 0, 1, null));
        var held = 0L;
        for (var length = 1024; length < 1200; length++)
        {
            held += masks.For(length, 0, 4, null)!.numel();
            Assert.InRange(masks.Held, 0, AttentionMasks.Kept);
        }
        Assert.True(held > AttentionMasks.Kept);
    }
}
