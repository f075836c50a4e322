using System.Globalization;
using Grpc.Core;
using Grpc.Net.Internal;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Puts the end of a call into the trailers, or into the headers while these have not gone out.</summary>
internal static class ResponseStatus
{
    public static void Write(HttpResponse response, Status status, Metadata? trailers = null)
    {
        var target = Target(response);
        foreach (var entry in trailers ?? Metadata.Empty) target.Append(entry.Key, HeaderMetadata.Encode(entry));
        target[Headers.Status] = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
        if (!string.IsNullOrEmpty(status.Detail)) target[Headers.Message] = PercentEncoding.Encode(status.Detail);
    }

    private static IHeaderDictionary Target(HttpResponse response) =>
        !response.HasStarted
            ? response.Headers
            : response.HttpContext.Features.Get<IHttpResponseTrailersFeature>()?.Trailers
              ?? throw new InvalidOperationException("Trailers are not supported for this response. The server may not support gRPC.");
}
