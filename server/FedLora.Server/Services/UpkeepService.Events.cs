using FedLora.Core.Audit;
using Grpc.Core;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Server.Services;

/// <content>What happened.</content>
internal sealed partial class UpkeepService
{
    private const int UsualEvents = 50;
    private const uint MostEvents = 10_000;

    public override async Task ListEvents(Wire.ListEventsRequest request, IServerStreamWriter<Wire.EventView> responseStream,
        ServerCallContext context)
    {
        using var ending = calls.Of(context);
        var names = request.Node.Length == 0 ? [] : await NamesAsync(request.Node, ending.Token);
        bool Wanted(AuditEntry entry) => (request.Federation.Length == 0 || IsAbout(entry, "federation", request.Federation))
            && (names.Count == 0 || names.Any(name => IsAbout(entry, "node", name) || IsAbout(entry, "nodeId", name)
                || IsAbout(entry, "name", name)));

        var seen = audit.Count;
        var last = request.Last == 0 ? UsualEvents : (int)Math.Min(request.Last, MostEvents);
        foreach (var entry in AuditFiles.Last(audit.Folder, entry => entry.Sequence <= seen && Wanted(entry), last, ending.Token))
            await responseStream.SendAsync(ToWire(entry), ending.Token);
        while (request.Follow)
        {
            await audit.WaitAsync(seen, ending.Token);
            foreach (var entry in AuditFiles.After(audit.Folder, seen, ending.Token))
            {
                seen = entry.Sequence;
                if (Wanted(entry))
                    await responseStream.SendAsync(ToWire(entry), ending.Token);
            }
        }
    }

    // Log messages name a node by its id or its name. One that is gone is asked for as it was named.
    private async Task<IReadOnlyList<string>> NamesAsync(string node, CancellationToken cancellationToken)
    {
        var known = (await Enrolment.ListNodesAsync(cancellationToken)).FirstOrDefault(one => one.NodeId == node || one.Name == node);
        return known is null ? [node] : [known.NodeId, known.Name];
    }

    private static bool IsAbout(AuditEntry entry, string field, string value) =>
        (entry.Fields.TryGetValue(field, out var found) && found == value)
            || (entry.Fields.TryGetValue("subject", out var subject) && subject == value);

    private static Wire.EventView ToWire(AuditEntry entry)
    {
        var view = new Wire.EventView
        {
            Sequence = (ulong)entry.Sequence,
            AtUnixMs = entry.At.ToUnixTimeMilliseconds(),
            Level = entry.Level,
            Event = entry.Event,
            Message = entry.Message,
            Hash = entry.Hash,
        };
        foreach (var (name, value) in entry.Fields)
            view.Fields[name] = value;
        return view;
    }
}
