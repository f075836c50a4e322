using System.Text.Json;
using System.Text.Json.Serialization;

namespace FedLora.Grains.Blobs;

/// <summary>Small records as JSON blobs.</summary>
public static class JsonBlobs
{
    /// <summary>Their form.</summary>
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
    };

    public static Task<string> PutJsonAsync<T>(this IBlobStore blobs, T value, CancellationToken cancellationToken) =>
        blobs.PutAsync((stream, cancellationToken) => JsonSerializer.SerializeAsync(stream, value, Options, cancellationToken),
            cancellationToken);

    public static async Task<T> GetJsonAsync<T>(this IBlobStore blobs, string sha256, CancellationToken cancellationToken)
    {
        await using var stream = await blobs.OpenReadAsync(sha256, cancellationToken);
        return await JsonSerializer.DeserializeAsync<T>(stream, Options, cancellationToken)
            ?? throw new JsonException($"Blob {sha256} holds null.");
    }
}
