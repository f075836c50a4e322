using Wire = FedLora.Protocol.V1;

namespace FedLora.Server.Mapping;

/// <summary>Who has access, on the wire.</summary>
internal static class AccessMapping
{
    internal static Wire.ListAccessResponse ToWire(this IReadOnlyList<AccessEntry> entries) => new()
    {
        Access =
        {
            entries.Select(
                entry =>
                    new Wire.AccessView
                    {
                        Id = entry.Id,
                        Name = entry.Name,
                        Role = entry.Role,
                        SinceUnixMs = entry.Since.ToUnixTimeMilliseconds(),
                        Revoked = entry.Revoked,
                    }),
        },
    };
}
