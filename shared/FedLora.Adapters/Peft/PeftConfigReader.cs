using System.Text.Json;

namespace FedLora.Adapters;

/// <summary>Reads <c>adapter_config.json</c>. What would change the adapter's meaning and is not supported is refused by name.</summary>
internal sealed class PeftConfigReader(JsonElement root, string where, bool takesDora)
{
    // Keys without meaning for a trained adapter.
    private static readonly HashSet<string> Ignored = new(StringComparer.Ordinal)
    {
        "auto_mapping", "peft_version", "inference_mode", "megatron_core", "qalora_group_size", "runtime_config", "task_type", "eva_config",
        "r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "modules_to_save", "rank_pattern", "alpha_pattern",
        "use_rslora",
        "layers_to_transform", "layers_pattern", "fan_in_fan_out", "base_model_name_or_path", "revision", "bias", "peft_type",
        "init_lora_weights",
    };

    public static PeftConfig Read(ReadOnlyMemory<byte> json, string where, bool takesDora = false)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16 });
            return new PeftConfigReader(document.RootElement, where, takesDora).Read();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw Invalid(where, $"cannot be read ({error.Message.TrimEnd('.')})", error);
        }
    }

    private PeftConfig Read()
    {
        RequireSupported();
        var config = new PeftConfig
        {
            Rank = Whole(Needed("r"), "r"),
            Alpha = Number(Needed("lora_alpha"), "lora_alpha"),
            Dropout = Find("lora_dropout") is { } dropout ? Number(dropout, "lora_dropout") : 0,
            TargetModules = Modules("target_modules") ?? throw Invalid(where, "has no target_modules"),
            ExcludeModules = Modules("exclude_modules"),
            ModulesToSave = [.. Strings("modules_to_save").Distinct(StringComparer.Ordinal)],
            RankPattern = Pattern("rank_pattern", value => Whole(value, "rank_pattern")),
            AlphaPattern = Pattern("alpha_pattern", value => Number(value, "alpha_pattern")),
            UseRsLora = Flag("use_rslora"),
            UseDora = takesDora && Flag("use_dora"),
            LayersToTransform = Find("layers_to_transform") is not { } layers ? null : layers.ValueKind == JsonValueKind.Array
                ? [.. layers.EnumerateArray().Select(l => Whole(l, "layers_to_transform"))] : [Whole(layers, "layers_to_transform")],
            LayersPattern = Strings("layers_pattern"),
            FanInFanOut = Flag("fan_in_fan_out"),
            TaskType = Text("task_type"),
            BaseModel = Text("base_model_name_or_path"),
            AutoMapping = Find("auto_mapping")?.GetRawText(),
            Revision = Text("revision"),
        };
        if (config.Rank < 1 || config.RankPattern.Any(p => p.Value < 1))
            throw Invalid(where, "states a rank below 1");
        if (!(config.Alpha > 0) || config.AlphaPattern.Any(p => !(p.Value > 0)))
            throw Invalid(where, "states a lora_alpha that is not above 0");
        return config.Dropout is >= 0 and < 1 ? config : throw Invalid(where, "states a lora_dropout outside of [0, 1)");
    }

    private void RequireSupported()
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw Invalid(where, "holds no object");
        if (Text("peft_type") is var type && type != "LORA")
            throw type is null ? Lacks("peft_type") : Unsupported("peft_type", type);
        if (Text("bias") is { } bias && bias != "none")
            throw Unsupported("bias", bias);
        if (Find("init_lora_weights") is { ValueKind: JsonValueKind.String } init && init.GetString() is var name
            && name is not ("gaussian" or "eva" or "orthogonal"))
            throw Unsupported("init_lora_weights", name);
        foreach (var property in root.EnumerateObject())
        {
            if (!Ignored.Contains(property.Name) && IsSet(property.Value) && !(takesDora && property.Name == "use_dora"))
                throw Unsupported(property.Name, property.Value.GetRawText());
        }
    }

    private static bool IsSet(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => false,
        JsonValueKind.Object => value.EnumerateObject().Any(),
        JsonValueKind.Array => value.GetArrayLength() > 0,
        _ => true,
    };

    private JsonElement? Find(string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private int Whole(JsonElement value, string key) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var whole) ? whole
            : throw Wrong(value, key, "a whole number");

    private double Number(JsonElement value, string key) =>
        value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw Wrong(value, key, "a number");

    private bool Flag(string key) => Find(key) switch
    {
        null or { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.True } => true,
        var other => throw Wrong(other.Value, key, "true or false"),
    };

    private string? Text(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        var other => throw Wrong(other.Value, key, "a text"),
    };

    private JsonElement Needed(string key) => Find(key) ?? throw Lacks(key);

    private FedLoraException Lacks(string key) => Invalid(where, $"has no '{key}'");

    private FedLoraException Wrong(JsonElement value, string key, string wanted) =>
        Invalid(where, $"has {value.GetRawText()} in '{key}', where {wanted} belongs");

    private PeftModules? Modules(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => new PeftModules([], text.GetString()),
        var list => new PeftModules(Texts(list.Value, name)),
    };

    private string[] Strings(string name) => Find(name) switch
    {
        null => [],
        { ValueKind: JsonValueKind.String } text => [text.GetString()!],
        var list => Texts(list.Value, name),
    };

    private string[] Texts(JsonElement list, string key) =>
        list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. list.EnumerateArray().Select(item => item.GetString()!)] : throw Wrong(list, key, "a list of names");

    private List<KeyValuePair<string, T>> Pattern<T>(string name, Func<JsonElement, T> read) =>
        Find(name) is not { } map ? [] : map.ValueKind != JsonValueKind.Object ? throw Wrong(map, name, "an object")
            : [.. map.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, read(p.Value)))];

    private FedLoraException Unsupported(string key, string? value) =>
        new("adapter-unsupported", $"'{where}' asks for {key} = {value}, which is not supported.",
            key switch
            {
                "use_dora" => "Merge it into its base model, or train with use_dora=False; see: fedlora adapter merge --help",
                "trainable_token_indices" =>
                    "Single tokens are not trained here: train the whole embedding (modules_to_save), or without trainable_token_indices.",
                _ => "Supported is plain LoRA: no DoRA, no bias, no other initialisation that changes the base weights.",
            });

    internal static FedLoraException Invalid(string where, string what, Exception? inner = null) =>
        new("adapter-config-invalid", $"'{where}' {what}.", "Write the adapter again with PEFT or FedLora.", inner);
}
