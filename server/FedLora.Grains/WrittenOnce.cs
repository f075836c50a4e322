using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FedLora.Grains;

/// <summary>
/// Remembers what an unchangeable entry is as JSON while the entry lives. A federation's row is written with every few updates that come,
/// and names all nodes and updates of its round each time: of a thousand nodes nearly all are as they were.
/// </summary>
/// <typeparam name="T">A record that nobody changes.</typeparam>
/// <param name="plain">How it is written the first time, and read.</param>
internal sealed class WrittenOnce<T>(JsonSerializerOptions plain) : JsonConverter<T>
    where T : class
{
    private readonly ConditionalWeakTable<T, byte[]> _written = [];

    public override T? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JsonSerializer.Deserialize<T>(ref reader, plain);

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteRawValue(_written.GetValue(value, Bytes), skipInputValidation: true);

    private byte[] Bytes(T value) => JsonSerializer.SerializeToUtf8Bytes(value, plain);
}
