using System.Buffers.Binary;
using System.Net.Http.Headers;

namespace FedLora.Interop.Tests;

/// <summary>Calls made by hand, with what no gRPC client would send.</summary>
internal static class RawCall
{
    private static readonly HttpClient Http = new() { Timeout = Within.Limit };

    /// <summary>A message with its five bytes in front.</summary>
    public static byte[] Frame(byte[] message, byte flag = 0)
    {
        var frame = new byte[5 + message.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }

    /// <summary>A call with this body; a method without a slash is one of the probe service.</summary>
    public static async Task<HttpResponseMessage> SendAsync(
        ProbeServer server, string method, byte[] body, params (string Name, string Value)[] headers)
    {
        var path = method.StartsWith('/') ? method : $"/fedlora.probe.v1.Probe/{method}";
        using var request = new HttpRequestMessage(HttpMethod.Post, server.Address + path)
        {
            Version = new Version(2, 0),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        request.Headers.TE.ParseAdd("trailers");
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await Http.SendAsync(request);
    }

    /// <summary>The status of a response, wherever it stands.</summary>
    public static string Status(HttpResponseMessage response) =>
        (response.TrailingHeaders.TryGetValues("grpc-status", out var trailers) ? trailers : response.Headers.GetValues("grpc-status"))
            .Single();
}
