using static TorchSharp.torch;

namespace TorchSharp.Tests;

public sealed class DisposeScopeTests : ScopedTest
{
    [Fact]
    public void A_scope_disposes_what_was_made_in_it()
    {
        Tensor inner, moved, detached;
        using (var outer = NewDisposeScope())
        {
            using (var scope = NewDisposeScope())
            {
                inner = ones(2);
                moved = ones(2).MoveToOuterDisposeScope();
                detached = ones(2).DetachFromDisposeScope();
                Assert.Equal(1, scope.DisposablesCount);
                Assert.True(scope.Contains(inner));
            }
            Assert.True(inner.IsInvalid);
            Assert.False(moved.IsInvalid);
            Assert.Same(outer, CurrentDisposeScope);
        }
        Assert.True(moved.IsInvalid);
        Assert.False(detached.IsInvalid);
        detached.Dispose();
    }

    [Fact]
    public void Dispose_everything_but_keeps_what_is_named()
    {
        using var scope = NewDisposeScope();
        var (kept, dropped) = (ones(1), ones(1));
        Assert.Same(kept, scope.DisposeEverythingBut(kept));
        Assert.False(kept.IsInvalid);
        Assert.True(dropped.IsInvalid);
        Assert.Equal([kept], scope.DisposablesView);
        scope.DisposeEverything();
        Assert.True(kept.IsInvalid);
    }

    [Fact]
    public void Attach_and_move_between_scopes()
    {
        using var outer = NewDisposeScope();
        var free = ones(1).DetachFromDisposeScope();
        outer.Attach(free);
        using (NewDisposeScope())
        {
            var other = ones(1).MoveToOtherDisposeScope(free);
            Assert.True(outer.Contains(other));
        }
        Assert.Equal(2, outer.DisposablesCount);
    }

    [Fact]
    public void A_used_up_scope_refuses()
    {
        var scope = NewDisposeScope();
        scope.Dispose();
        scope.Dispose();
        Assert.Throws<ObjectDisposedException>(() => scope.DisposablesCount);
        Assert.Throws<ObjectDisposedException>(() => scope.Attach(ones(1)));
    }

    [Fact]
    public void Statistics_count_what_happened()
    {
        var statistics = DisposeScopeManager.Statistics;
        statistics.Reset();
        using (NewDisposeScope())
        {
            _ = ones(1);
            _ = ones(1).DetachFromDisposeScope();
        }
        Assert.Equal((2, 1, 1), (statistics.CreatedInScopeCount, statistics.DisposedInScopeCount, statistics.DetachedFromScopeCount));
        Assert.Equal(1, statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void A_scope_is_of_one_thread()
    {
        Tensor? made = null;
        var thread = new Thread(() => made = ones(3));
        thread.Start();
        thread.Join();
        CurrentDisposeScope!.DisposeEverything();
        Assert.False(made!.IsInvalid);
        made.Dispose();
    }

    [Fact]
    public void Tensors_left_to_the_finaliser_are_freed()
    {
        Collect();
        var before = Tensor.TotalCount;
        Leave();
        Assert.True(Tensor.TotalCount > before);
        Collect();
        Assert.Equal(before, Tensor.TotalCount);

        static void Collect()
        {
            for (var k = 0; k < 3; k++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static void Leave()
        {
            var thread = new Thread(() =>
            {
                for (var k = 0; k < 200; k++)
                    _ = ones(100, requires_grad: true).mul(2).sum();
            });
            thread.Start();
            thread.Join();
        }
    }
}
