using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Grpc.Net.Internal;

namespace Grpc.Net.Client.Internal;

/// <summary>What HTTP responses say of a call: pure functions.</summary>
internal static class Responses
{
    /// <summary>The status of a response that is not gRPC at all; null for one that is.</summary>
    public static Status? NotGrpc(HttpResponseMessage response)
    {
        if (StatusIn(response.Headers) is { } status) return response.StatusCode == HttpStatusCode.OK ? null : status;
        if (response.StatusCode != HttpStatusCode.OK)
        {
            return new Status(FromHttp(response.StatusCode), $"Bad gRPC response. HTTP status code: {(int)response.StatusCode}");
        }

        var contentType = response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var values) ? values.ToString() : null;
        if (Headers.IsGrpc(contentType)) return null;
        return new Status(StatusCode.Cancelled, contentType is null
            ? "Bad gRPC response. Response did not have a content-type header."
            : $"Bad gRPC response. Invalid content-type value: {contentType}");
    }

    /// <summary>The status at the end: in the trailers, or in the headers of a response without messages.</summary>
    public static Status Final(HttpResponseMessage response) =>
        StatusIn(response.TrailingHeaders) ?? StatusIn(response.Headers)
        ?? new Status(StatusCode.Cancelled, "No grpc-status found on response.");

    /// <summary>The trailers; a response without messages has them among its headers.</summary>
    public static Metadata Trailers(HttpResponseMessage response) =>
        StatusIn(response.TrailingHeaders) is null && StatusIn(response.Headers) is not null
            ? ReadMetadata(response.Headers)
            : ReadMetadata(response.TrailingHeaders);

    public static Metadata ReadMetadata(HttpHeaders headers) =>
        HeaderMetadata.Read(headers.NonValidated.SelectMany(header => header.Value.Select(value => (header.Key, value))));

    public static string? Encoding(HttpResponseMessage response) => Value(response.Headers, Headers.Encoding);

    private static Status? StatusIn(HttpHeaders headers)
    {
        if (Value(headers, Headers.Status) is not { } code) return null;
        var detail = PercentEncoding.Decode(Value(headers, Headers.Message) ?? "");
        return int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new Status((StatusCode)number, detail)
            : new Status(StatusCode.Cancelled, $"Unexpected grpc-status value: {code}");
    }

    private static string? Value(HttpHeaders headers, string name)
    {
        if (!headers.NonValidated.TryGetValues(name, out var values)) return null;
        foreach (var value in values) return value;
        return null;
    }

    /// <summary>grpc/doc/http-grpc-status-mapping.md.</summary>
    private static StatusCode FromHttp(HttpStatusCode code) => code switch
    {
        HttpStatusCode.BadRequest => StatusCode.Internal,
        HttpStatusCode.Unauthorized => StatusCode.Unauthenticated,
        HttpStatusCode.Forbidden => StatusCode.PermissionDenied,
        HttpStatusCode.NotFound => StatusCode.Unimplemented,
        HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway
            or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };
}
