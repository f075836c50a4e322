using System.Text.Json;
using FedLora.Federations.Rounds;

namespace FedLora.Federations.Tests.Rounds;

/// <summary>What a round costs does not grow with the rounds before it.</summary>
public sealed class HistoryTests
{
    [Fact]
    public void After_ten_thousand_rounds_as_much_is_stored_at_a_round_as_after_a_hundred()
    {
        var now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var definition = WorldDefinition.Plain with { Rounds = 20_000 };
        var standing = RoundDecisions.Create(definition, Adapter(0), [], now) with { State = FederationState.Running };
        var (pages, early, late) = (0, 0, 0);
        for (var round = 1; round <= 10_000; round++)
        {
            standing = standing with { Round = standing.Round with { State = RoundState.Aggregating } };
            var decision = RoundDecisions.Decide(standing,
                new FederationEvent.Aggregated(new() { Round = round, Adapter = Adapter(round), Record = new('e', 64) }), now);
            standing = decision.Standing;
            foreach (var page in decision.Effects.OfType<FederationEffect.WritePage>())
            {
                Assert.Equal((pages, (pages * FederationStanding.PageSize) + 1, FederationStanding.PageSize),
                    (page.Page, page.Rounds[0].Round, page.Rounds.Length));
                pages++;
                standing = RoundDecisions.Decide(standing, new FederationEvent.PageWritten(page.Page), now).Standing;
            }

            if (round is > 100 and <= 300)
                early = Math.Max(early, JsonSerializer.SerializeToUtf8Bytes(standing).Length);
            if (round > 9_800)
                late = Math.Max(late, JsonSerializer.SerializeToUtf8Bytes(standing).Length);
        }

        Assert.Equal((10_000, 10_001), (standing.RoundsDone, standing.Round.Round));
        Assert.InRange(late, 1, early * 1.2);
    }

    private static AdapterRef Adapter(int round) => new() { Sha256 = round.ToString("x64"), Bytes = 1000 };
}
