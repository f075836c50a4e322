using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace FedLora.Cli.Output;

/// <summary>
/// How everything under <c>--json</c> is written: snake_case names, enums as words, times as ISO 8601, plain characters. docs/json.md says
/// what each command writes.
/// </summary>
public static class Json
{
    /// <summary>
    /// Of the documents' form: fields may be added, but none is renamed, moved or given another meaning under one number.
    /// </summary>
    public const int Version = 1;

    /// <summary>The field that names it.</summary>
    public const string VersionField = "version";

    /// <summary>The options, shared by all commands.</summary>
    public static JsonSerializerOptions Options { get; } = Make(indented: true);

    private static JsonSerializerOptions OneLine { get; } = Make(indented: false);

    /// <summary>The value as JSON text.</summary>
    public static string Write<T>(T value) => JsonSerializer.Serialize(value, Options);

    /// <summary>A command's result, which is an object, with the version before its own fields.</summary>
    /// <param name="value">The result.</param>
    /// <param name="oneLine">On one line, for streams.</param>
    public static string Document<T>(T value, bool oneLine)
    {
        var options = oneLine ? OneLine : Options;
        var document = JsonSerializer.SerializeToNode(value, options)!.AsObject();
        document.Insert(0, VersionField, Version);
        return document.ToJsonString(options);
    }

    private static JsonSerializerOptions Make(bool indented) => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = indented,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        RespectNullableAnnotations = true,
    };
}
