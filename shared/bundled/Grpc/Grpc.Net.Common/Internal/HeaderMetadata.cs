using Grpc.Core;

namespace Grpc.Net.Internal;

/// <summary>HTTP headers to metadata and back: binary values travel as base64.</summary>
internal static class HeaderMetadata
{
    /// <summary>Metadata of all headers that are the program's, in order.</summary>
    /// <exception cref="RpcException">INTERNAL: a binary header that is not base64.</exception>
    public static Metadata Read(IEnumerable<(string Name, string Value)> headers)
    {
        var metadata = new Metadata();
        foreach (var (name, value) in headers)
        {
            if (IsReserved(name)) continue;
            if (!name.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.OrdinalIgnoreCase))
            {
                metadata.Add(name, value);
                continue;
            }

            // A proxy may have joined several values of one key.
            foreach (var part in value.Split(',')) metadata.Add(name, FromBase64(name, part.Trim()));
        }

        return metadata;
    }

    public static string Encode(Metadata.Entry entry) => entry.IsBinary ? Convert.ToBase64String(entry.ValueBytes) : entry.Value;

    /// <summary>Headers that the protocol itself uses are not shown to programs.</summary>
    private static bool IsReserved(string name) =>
        name.StartsWith(':')
        || name.ToLowerInvariant() is Headers.Status or Headers.Message or Headers.Encoding or Headers.AcceptEncoding
            or "content-type" or "content-encoding";

    private static byte[] FromBase64(string name, string value)
    {
        try
        {
            // Padding is optional on the wire.
            return Convert.FromBase64String(value.PadRight((value.Length + 3) / 4 * 4, '='));
        }
        catch (FormatException exception)
        {
            throw new RpcException(new Status(StatusCode.Internal, $"The binary header '{name}' is not base64.", exception));
        }
    }
}
