using FedLora.Training.Kernels;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Kernels;

public sealed class OpenMpTeamTests
{
    public OpenMpTeamTests() => set_num_threads(get_num_threads()); // libtorch, and its OpenMP with it, is there from here on.

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Every_item_is_done_once(int count)
    {
        var done = new int[count];
        for (var round = 0; round < 50; round++)
            OpenMpTeam.Run(count, i => Interlocked.Increment(ref done[i]));
        Assert.All(done, times => Assert.Equal(50, times));
    }

    [Fact]
    public void What_fails_on_another_thread_fails_here()
    {
        var failure = Assert.Throws<AggregateException>(() => OpenMpTeam.Run(4, i =>
        {
            if (i == 3)
                throw new InvalidOperationException("of item 3");
        }));
        Assert.Equal("of item 3", Assert.Single(failure.InnerExceptions).Message);
    }
}
