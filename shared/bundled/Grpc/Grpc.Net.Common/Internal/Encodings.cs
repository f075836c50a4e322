using System.IO.Compression;
using Grpc.Core;
using Grpc.Net.Compression;

namespace Grpc.Net.Internal;

/// <summary>The message encodings that one side knows, by name; identity is always among them and needs no provider.</summary>
internal sealed class Encodings
{
    public static readonly Encodings Default = new([new GzipCompressionProvider(CompressionLevel.Fastest)]);

    private readonly Dictionary<string, ICompressionProvider> _providers;

    public Encodings(IEnumerable<ICompressionProvider> providers)
    {
        _providers = providers.ToDictionary(provider => provider.EncodingName, StringComparer.Ordinal);
        AcceptEncoding = string.Join(',', _providers.Keys.Prepend(Headers.Identity));
    }

    /// <summary>The value of grpc-accept-encoding.</summary>
    public string AcceptEncoding { get; }

    /// <summary>The provider for messages to be written; null writes them as they are.</summary>
    /// <exception cref="InvalidOperationException">The program asks for an encoding that it has not configured.</exception>
    public ICompressionProvider? ForWriting(string? encoding) =>
        encoding is null or Headers.Identity
            ? null
            : _providers.GetValueOrDefault(encoding)
              ?? throw new InvalidOperationException($"Could not find compression provider for '{encoding}'.");

    /// <summary>The provider for a message that is marked as compressed.</summary>
    /// <exception cref="RpcException">INTERNAL without an encoding, UNIMPLEMENTED with one that is not known.</exception>
    public ICompressionProvider ForReading(string? encoding) => encoding switch
    {
        null => throw Failure(StatusCode.Internal, "A compressed message came without a grpc-encoding header."),
        Headers.Identity => throw Failure(StatusCode.Internal, "A compressed message came with grpc-encoding 'identity'."),
        _ => _providers.GetValueOrDefault(encoding) ?? throw Failure(
            StatusCode.Unimplemented, $"Unsupported grpc-encoding value '{encoding}'. Supported encodings: {AcceptEncoding.Replace(",", ", ", StringComparison.Ordinal)}"),
    };

    public static bool IsAccepted(string? acceptEncoding, string encoding) =>
        acceptEncoding is not null && acceptEncoding.Split(',', StringSplitOptions.TrimEntries).Contains(encoding);

    private static RpcException Failure(StatusCode code, string detail) => new(new Status(code, detail));
}
