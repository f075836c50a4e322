using System.IO.Compression;
using Grpc.Net.Compression;
using Grpc.Net.Internal;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>The options of all services and those of one, taken together.</summary>
internal sealed record ServiceSettings(
    int? MaxSendMessageSize,
    int? MaxReceiveMessageSize,
    bool DetailedErrors,
    string? ResponseEncoding,
    CompressionLevel? ResponseLevel,
    Encodings Encodings,
    IReadOnlyList<InterceptorRegistration> Interceptors,
    TimeProvider TimeProvider)
{
    private const int DefaultMaxReceiveMessageSize = 4 * 1024 * 1024;

    public static ServiceSettings Of<TService>(IServiceProvider services)
        where TService : class =>
        Merge(
            services.GetRequiredService<IOptions<GrpcServiceOptions>>().Value,
            services.GetRequiredService<IOptions<GrpcServiceOptions<TService>>>().Value);

    public static ServiceSettings Merge(GrpcServiceOptions all, GrpcServiceOptions one)
    {
        var providers = one.CompressionProviders.Concat(all.CompressionProviders)
            .Append(new GzipCompressionProvider(CompressionLevel.Fastest))
            .DistinctBy(provider => provider.EncodingName, StringComparer.Ordinal);
        return new ServiceSettings(
            one.MaxSendMessageSizeSpecified ? one.MaxSendMessageSize : all.MaxSendMessageSize,
            one.MaxReceiveMessageSizeSpecified ? one.MaxReceiveMessageSize
                : all.MaxReceiveMessageSizeSpecified ? all.MaxReceiveMessageSize : DefaultMaxReceiveMessageSize,
            one.EnableDetailedErrors ?? all.EnableDetailedErrors ?? false,
            one.ResponseCompressionAlgorithm ?? all.ResponseCompressionAlgorithm,
            one.ResponseCompressionLevel ?? all.ResponseCompressionLevel,
            new Encodings(providers),
            [.. all.Interceptors, .. one.Interceptors],
            one.TimeProvider ?? all.TimeProvider ?? TimeProvider.System);
    }
}
