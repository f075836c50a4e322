using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin replay</c>: aggregates a round again; fails if the result is another.</summary>
internal static class ReplayCommand
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    public static Command Create()
    {
        var name = new Argument<string>("NAME") { Description = "The federation." };
        var round = new Option<uint>("--round") { Description = "The round to aggregate again.", Required = true };
        return new Command("replay", "Aggregate a round again from the stored updates and compare the result.") { name, round }
            .Writes(typeof(ReplayJson))
            .RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
            {
                var reply = await connection.Admin.ReplayRoundAsync(
                    new ReplayRoundRequest { Federation = parsed.GetValue(name), Round = parsed.GetValue(round) },
                    connection.Options(cancellationToken, Limit));
                if (reply.StoredSha256 != reply.ReplayedSha256 || reply.Differences.Count > 0)
                {
                    // An older coordinator compares the adapter alone.
                    var what = reply.Differences.Count > 0 ? string.Join("; ", reply.Differences)
                        : $"adapter: {reply.ReplayedSha256} now, {reply.StoredSha256} then";
                    throw new FedLoraException("replay-differs", $"round {parsed.GetValue(round)} comes out otherwise: {what}",
                        "the store was changed, or the coordinator's program differs from the one that closed the round");
                }
                output.Result(
                    new ReplayJson(parsed.GetValue(round), Same: true, reply.StoredSha256, reply.Milliseconds),
                    console =>
                        console.WriteLine(
                            $"Round {parsed.GetValue(round)} gives the same adapter again, {reply.StoredSha256} ({reply.Milliseconds:0} "
                                + $"ms)."));
            });
    }
}

/// <summary>A round that was aggregated again.</summary>
internal sealed record ReplayJson(uint Round, bool Same, string AdapterSha256, double Milliseconds);
