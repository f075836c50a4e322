using System.Text.Json;

namespace FedLora.Training.Data;

/// <summary>A conversation as chat templates take it.</summary>
/// <param name="Messages">A list of objects, each with <c>role</c> and mostly <c>content</c>, a text; fields that are null are left out,
/// but for the content.</param>
/// <param name="Tools">What the row says of tools that may be called; null where it says nothing.</param>
public sealed record Conversation(IReadOnlyList<IReadOnlyDictionary<string, object?>> Messages, object? Tools)
{
    private const string Assistant = "assistant";

    /// <summary>The places of the turns that are learnt: the assistant's.</summary>
    public IEnumerable<int> Learnt =>
        Messages.Index().Where(message => Assistant.Equals(message.Item["role"])).Select(message => message.Index);

    /// <summary>The value of a JSON element as templates see it: texts, numbers (long or double), truth values, null, lists, and objects in
    /// the order of their fields.</summary>
    public static object? ValueOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.TryGetInt64(out var whole) ? (object)whole : element.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Array => element.EnumerateArray().Select(ValueOf).ToList(),
        JsonValueKind.Object => Fields(element),
        _ => null,
    };

    internal static Conversation Read(JsonElement messages, JsonElement root, Func<string, FedLoraException> bad)
    {
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
            throw bad("has \"messages\" that are not a list of at least one message");
        var conversation = new Conversation(
            [.. messages.EnumerateArray().Select((message, index) => Message(message, what => bad($"has a message {index + 1} {what}")))],
            root.TryGetProperty("tools", out var tools) && tools.ValueKind == JsonValueKind.Array ? ValueOf(tools) : null);
        return conversation.Learnt.Any() ? conversation : throw bad($"has no message with role \"{Assistant}\" to learn from");
    }

    private static Dictionary<string, object?> Message(JsonElement message, Func<string, FedLoraException> bad)
    {
        if (message.ValueKind != JsonValueKind.Object)
            throw bad("that is not an object");
        var fields = Fields(message);
        if (fields.GetValueOrDefault("role") is not string { Length: > 0 })
            throw bad("without a \"role\", which must be a text");
        if (fields.GetValueOrDefault("content") is List<object?> parts)
            fields["content"] = string.Concat(parts.Select(part => part is Dictionary<string, object?> of
                && of.GetValueOrDefault("text") is string text ? text
                    : throw bad("with a \"content\" that holds something else than texts")));
        else if (fields.GetValueOrDefault("content") is not (string or null))
            throw bad("with a \"content\" that is neither a text nor a list of texts");
        return fields;
    }

    // Columns of structures have every field in every row: one that is null is one that the row does not have.
    private static Dictionary<string, object?> Fields(JsonElement element)
    {
        var fields = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var field in element.EnumerateObject()
            .Where(field => field.Value.ValueKind != JsonValueKind.Null || field.Name == "content"))
            fields[field.Name] = ValueOf(field.Value);
        return fields;
    }
}
