using FedLora.Client.Connection;

namespace FedLora.Client.Tests;

public sealed class BackoffTests
{
    [Fact]
    public void Waits_double_up_to_the_longest_and_are_drawn_from_the_upper_half()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), new Random(1));
        for (var tries = 0; tries < 100; tries++)
        {
            var full = Math.Min(60, Math.Pow(2, tries));
            Assert.InRange(backoff.Next().TotalSeconds, full / 2, full);
        }
    }

    [Fact]
    public void After_a_success_it_starts_again()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), new Random(1));
        for (var tries = 0; tries < 10; tries++)
            backoff.Next();
        backoff.Reset();
        Assert.InRange(backoff.Next().TotalSeconds, 0.5, 1);
    }

    [Fact]
    public void Nodes_that_lost_the_coordinator_together_do_not_come_back_together()
    {
        var random = new Random(7);
        var waits = Enumerable.Range(0, 100)
            .Select(_ => new Backoff(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(60), random).Next().TotalSeconds).ToList();
        Assert.True(waits.Max() - waits.Min() > 20, $"all within {waits.Max() - waits.Min():0.0} s");
    }
}
