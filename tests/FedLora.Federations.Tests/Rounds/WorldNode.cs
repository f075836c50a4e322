using FedLora.Federations.Cohorts;
using FedLora.Federations.Updates;

namespace FedLora.Federations.Tests.Rounds;

/// <summary>A node of <see cref="RoundWorld"/>.</summary>
internal sealed class WorldNode(string id)
{
    public string Id { get; } = id;

    public int Round { get; private set; }

    public bool Training { get; private set; }

    public bool Revoked { get; set; }

    public bool Asked { get; set; }

    public void Begin(int round) => (Round, Training) = (round, true);

    public void Sent() => Training = false;

    public void Reset() => Training = false;

    public NodePresence Presence(Random random) => new()
    {
        NodeId = Id,
        Name = Id,
        Group = "",
        Profile = new()
        {
            ModelFingerprints = [WorldDefinition.Fingerprint],
            Balances = random.Next(8) > 0 ? [] : [new() { DataSet = "d", SpentEpsilon = random.Next(3), LimitEpsilon = 4, Delta = 1e-5 }],
        },
    };

    public UpdateHeader Header(string content, int roundsAhead, long examples) => new()
    {
        Federation = "demo",
        Round = Round + roundsAhead,
        Attempt = 1,
        NodeId = Id,
        Sha256 = $"{content} {Id} {Round}",
        Bytes = 1000,
        ExampleCount = examples,
        Steps = 3,
        Loss = 0.5,
    };
}
