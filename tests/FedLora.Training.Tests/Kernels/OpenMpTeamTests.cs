using FedLora.Training.Kernels;

namespace FedLora.Training.Tests.Kernels;

public sealed class OpenMpTeamTests
{
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
    public void Where_libtorch_computes_with_OpenMP_kernels_run_on_its_threads()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux() && File.ReadLines("/proc/self/maps").Any(line => line.Contains("/libgomp", StringComparison.Ordinal)),
            "libtorch has no libgomp here");
        Assert.True(OpenMpTeam.IsThere);
        // Two items that wait for each other: one of them is on another thread than this, which is none of .NET's own.
        using var both = new Barrier(2);
        var (here, isPool, met) = (Environment.CurrentManagedThreadId, new bool?[2], new bool[2]);
        OpenMpTeam.Run(2, i =>
        {
            met[i] = both.SignalAndWait(TimeSpan.FromSeconds(30));
            isPool[i] = Environment.CurrentManagedThreadId == here ? null : Thread.CurrentThread.IsThreadPoolThread;
        });
        Assert.Equal([true, true], met);
        Assert.Single(isPool, false);
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
