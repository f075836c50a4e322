using FedLora.Protocol.Mapping;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Server.Mapping;

/// <summary>What nodes say, from the wire to the grains and back.</summary>
internal static class NodeMapping
{
    private const int MostRuns = 1000;
    private const int MostRefused = 1000;
    private const int MostNames = 10_000;
    private const int LongestText = 500;
    private const ulong MostSteps = 1_000_000_000_000;
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    internal static NodePoll ToGrain(this Wire.PollTaskRequest wire)
    {
        var refused = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in wire.Refused)
        {
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            if (colon > 0 && refused.Count < MostRefused)
                refused[Short(line[..colon])] = Short(line[(colon + 2)..]);
        }
        return new NodePoll
        {
            Profile = ToGrain(wire.Profile ?? new Wire.NodeProfile()),
            Wait = TimeSpan.FromSeconds(Math.Min(wire.WaitSeconds, MaxWait.TotalSeconds)),
            Traffic = ToGrain(wire.Traffic),
            Refused = refused,
            Start = Short(wire.Start),
        };
    }

    internal static StatusReport ToGrain(this Wire.StatusReport wire) => new()
    {
        Federation = wire.Federation,
        Round = (int)wire.Round,
        Attempt = (int)wire.Attempt,
        Phase = (TaskPhase)wire.Phase,
        Step = (int)wire.Step,
        Steps = (int)wire.Steps,
        Loss = wire.HasLoss ? wire.Loss : null,
        Reason = Short(wire.Reason),
        Traffic = ToGrain(wire.Traffic),
    };

    internal static UpdateHeader ToGrain(this Wire.UpdateHeader wire, string nodeId) => new()
    {
        Federation = wire.Federation,
        Round = (int)wire.Round,
        Attempt = (int)wire.Attempt,
        NodeId = nodeId,
        Sha256 = wire.Blob.Sha256,
        Bytes = wire.Blob.Size,
        Encoding = wire.Blob.Encoding == Wire.BlobEncoding.Sparse ? BlobEncoding.Sparse : BlobEncoding.Safetensors,
        ExampleCount = (long)wire.ExampleCount,
        Steps = (int)wire.Steps,
        Loss = wire.HasLoss ? wire.Loss : null,
        Receipt = wire.Receipt is { } receipt ? receipt.ToModel() : null,
        TrainSeconds = wire.TrainSeconds,
    };

    internal static Wire.NodeView ToWire(this NodeView view) => new()
    {
        Tasks = { view.Tasks.ToDictionary(entry => entry.Key, entry => (uint)entry.Value, StringComparer.Ordinal) },
        NodeId = view.NodeId,
        Name = view.Name,
        Group = view.Group,
        EnrolledUnixMs = view.EnrolledAt.ToUnixTimeMilliseconds(),
        LastSeenUnixMs = view.LastSeen?.ToUnixTimeMilliseconds() ?? 0,
        Revoked = view.Revoked,
        Online = view.Online,
        Profile = ToWire(view.Profile),
        Traffic = view.Traffic is { } traffic ? new Wire.Traffic { Sent = (ulong)traffic.Sent, Received = (ulong)traffic.Received } : null,
        Refused = { view.Refused.Select(entry => $"{entry.Key}: {entry.Value}") },
    };

    // What a peer says is kept and shown to others: one that says too much must not make their answers exceed what a message may hold.
    private static string Short(string text) => text.Length <= LongestText ? text : text[..LongestText] + "...";

    private static Traffic? ToGrain(Wire.Traffic? wire) =>
        wire is null ? null : new Traffic { Sent = (long)wire.Sent, Received = (long)wire.Received };

    private static NodeProfile ToGrain(Wire.NodeProfile wire) => new()
    {
        ModelFingerprints = [.. wire.ModelFingerprints.Take(MostNames).Select(Short)],
        MaxRank = (int)wire.MaxRank,
        Version = Short(wire.Version),
        Labels = [.. wire.Labels.Take(MostNames).Select(Short)],
        ExampleCount = wire.HasExampleCount ? (long)wire.ExampleCount : null,
        Balances = [.. wire.Balances.Select(ToGrain)],
    };

    private static PrivacyBalance ToGrain(Wire.PrivacyBalance wire)
    {
        if (!(wire.SpentEpsilon >= 0) || !double.IsFinite(wire.SpentEpsilon) || !(wire.LimitEpsilon >= 0)
            || !double.IsFinite(wire.LimitEpsilon) || !(wire.Delta is > 0 and < 1) || wire.Runs.Count > MostRuns)
            throw new RefusedException(RefusalCodes.BalanceInvalid, $"the privacy balance of data set '{Short(wire.DataSet)}' cannot be",
                "update the node");
        var runs = wire.Runs.Select(
            run =>
                new PrivacyRun
                {
                    NoiseMultiplier = run.NoiseMultiplier,
                    SamplingRate = run.SamplingRate,
                    Steps = (long)Math.Min(run.Steps, MostSteps),
                }).ToArray();
        foreach (var run in runs)
            run.ToMechanism().Validate();
        return new PrivacyBalance
        {
            DataSet = Short(wire.DataSet),
            SpentEpsilon = wire.SpentEpsilon,
            LimitEpsilon = wire.LimitEpsilon,
            Delta = wire.Delta,
            Runs = runs,
            Entries = (long)Math.Min(wire.Entries, long.MaxValue),
            UsedWithoutPrivacy = wire.UsedWithoutPrivacy,
            Unit = Short(wire.Unit)
        };
    }

    private static Wire.PrivacyBalance ToWire(PrivacyBalance balance) => new()
    {
        DataSet = balance.DataSet,
        SpentEpsilon = balance.SpentEpsilon,
        LimitEpsilon = balance.LimitEpsilon,
        Delta = balance.Delta,
        Entries = (ulong)balance.Entries,
        UsedWithoutPrivacy = balance.UsedWithoutPrivacy,
        Unit = balance.Unit,
        Runs =
        {
            balance.Runs.Select(
                run =>
                    new Wire.PrivacyRun
                    {
                        NoiseMultiplier = run.NoiseMultiplier,
                        SamplingRate = run.SamplingRate,
                        Steps = (ulong)run.Steps,
                    }),
        },
    };

    private static Wire.NodeProfile ToWire(NodeProfile profile)
    {
        var wire = new Wire.NodeProfile
        {
            ModelFingerprints = { profile.ModelFingerprints },
            MaxRank = (uint)profile.MaxRank,
            Version = profile.Version,
            Labels = { profile.Labels },
            Balances =
            {
                profile.Balances.Select(ToWire),
            },
        };
        if (profile.ExampleCount is { } count)
            wire.ExampleCount = (ulong)count;
        return wire;
    }
}
