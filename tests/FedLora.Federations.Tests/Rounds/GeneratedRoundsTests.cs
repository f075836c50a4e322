using System.Globalization;
using FedLora.Federations.Rounds;

namespace FedLora.Federations.Tests.Rounds;

/// <summary>
/// Thousands of histories of federations: crashes at any write, failing writes, late, double and missing updates, clocks that jump,
/// failures, revocations, operators.
/// </summary>
public sealed class GeneratedRoundsTests
{
    private const int Steps = 120;

    // Others for the record, now and then: FEDLORA_HISTORIES=2000..100000.
    private static readonly int[] Seeds = [.. SeedsOf(Environment.GetEnvironmentVariable("FEDLORA_HISTORIES") ?? "0..2000")];

    [Fact]
    public void Nothing_acknowledged_is_lost_and_no_wait_is_without_an_end()
    {
        var (events, states) = (0L, new Dictionary<FederationState, int>());
        foreach (var seed in Seeds)
        {
            var world = Run(seed);
            events += world.Events;
            states[world.Standing.State] = states.GetValueOrDefault(world.Standing.State) + 1;
        }

        // The histories go everywhere: otherwise they would show little.
        Assert.All(Enum.GetValues<FederationState>(),
            state => Assert.True(states.GetValueOrDefault(state) > 0 || state == FederationState.Created, $"none ended {state}"));
        Assert.True(events > Seeds.Length * (long)Steps / 2, $"{events} events");
        TestContext.Current.TestOutputHelper?.WriteLine($"{Seeds.Length} histories, {events} events, ended {string.Join(", ",
            states.OrderBy(state => state.Key).Select(state => $"{state.Key}: {state.Value}"))}");
    }

    [Fact]
    public void Left_alone_every_federation_comes_to_rest_and_says_why()
    {
        foreach (var seed in Seeds)
        {
            var world = Run(seed);
            var rules = world.Standing.Definition.Cohort;
            // A look every 90 s at least while it samples, over as many attempts as there may be, and the aggregations.
            var most = (int)((rules.SamplingTimeout / TimeSpan.FromSeconds(90)) + 8) * (rules.MaxRepeats + 2) * 4;
            Guard(seed, () => Assert.InRange(world.LeaveAlone(most), 0, most - 1));
            Guard(seed,
                () => Assert.NotEmpty(
                    world.Standing.State == FederationState.Created ? Waiting.Says(world.Standing) : world.Standing.Reason));
        }
    }

    [Fact]
    public void When_the_faults_are_over_every_federation_that_has_its_nodes_ends_its_rounds()
    {
        var recovered = 0;
        foreach (var seed in Seeds)
        {
            var world = Run(seed);
            if (!world.CanRecover)
                continue;
            recovered++;
            Guard(seed,
                () => Assert.True(world.Recovers(400),
                    $"it is {world.Standing.State} in round {world.Standing.Round.Round} ({world.Standing.Round.State}): "
                        + $"{Waiting.Says(world.Standing)}"));
        }

        Assert.True(recovered > Seeds.Length / 3, $"{recovered} of {Seeds.Length}");
    }

    private static IEnumerable<int> SeedsOf(string range)
    {
        var ends = range.Split("..").Select(end => int.Parse(end, CultureInfo.InvariantCulture)).ToArray();
        return Enumerable.Range(ends[0], ends[1] - ends[0]);
    }

    private static RoundWorld Run(int seed)
    {
        var world = new RoundWorld(seed);
        Guard(seed, () =>
        {
            for (var step = 0; step < Steps; step++)
                world.Step();
        });
        return world;
    }

    private static void Guard(int seed, Action action)
    {
        try
        {
            action();
        }
        catch (Exception error)
        {
            throw new InvalidOperationException($"History {seed}: {error.Message}", error);
        }
    }
}
