using System.Net;
using System.Net.Http.Headers;
using System.Reflection;
using Grpc.Core;
using Grpc.Net.Internal;

namespace Grpc.Net.Client.Internal;

/// <summary>The HTTP request of a call.</summary>
internal static class Requests
{
    private static readonly string UserAgent =
        $"grpc-dotnet/{Assembly.GetExecutingAssembly().GetName().Version?.ToString(3)} (FedLora bundled; .NET {Environment.Version})";

    public static HttpRequestMessage Create(GrpcChannel channel, IMethod method, string? host, CallOptions options, TimeSpan? timeout)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(channel.Address, method.FullName))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (host is not null) request.Headers.Host = host;
        Add(request.Headers, "User-Agent", UserAgent);
        Add(request.Headers, "TE", "trailers");
        Add(request.Headers, Headers.AcceptEncoding, channel.Encodings.AcceptEncoding);
        foreach (var entry in options.Headers ?? Metadata.Empty)
        {
            // The deadline says the timeout, whatever the headers say.
            if (entry.Key == Headers.Timeout) continue;
            Add(request.Headers, entry.Key == Headers.RequestedEncoding ? Headers.Encoding : entry.Key, HeaderMetadata.Encode(entry));
        }

        if (timeout is { } time) Add(request.Headers, Headers.Timeout, Timeouts.Encode(time));
        return request;
    }

    /// <summary>The encoding that the program asks for in the headers of a call.</summary>
    public static string? Encoding(CallOptions options) => options.Headers?.GetValue(Headers.RequestedEncoding);

    private static void Add(HttpRequestHeaders headers, string name, string value) => headers.TryAddWithoutValidation(name, value);
}
