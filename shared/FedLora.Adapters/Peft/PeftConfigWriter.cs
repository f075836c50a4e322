using System.Text.Json;

namespace FedLora.Adapters;

/// <summary>
/// Writes <c>adapter_config.json</c> with every key that PEFT 0.21 writes, sorted, so that equal settings have equal bytes.
/// </summary>
internal static class PeftConfigWriter
{
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly string[] Nulls =
    [
        "alora_invocation_tokens", "arrow_config", "corda_config", "eva_config", "kasa_config", "layer_replication", "lora_ga_config",
        "megatron_config", "monteclora_config", "target_parameters", "trainable_token_indices", "use_bdlora", "velora_config",
    ];

    private static readonly string[] Falses = ["ensure_weight_tying", "lora_bias", "use_dora", "use_qalora"];

    public static byte[] Write(PeftConfig config)
    {
        var keys = new SortedDictionary<string, Action<Utf8JsonWriter>>(StringComparer.Ordinal)
        {
            ["alpha_pattern"] = json => Map(json, config.AlphaPattern, Number),
            ["auto_mapping"] = json => Raw(json, config.AutoMapping),
            ["base_model_name_or_path"] = json => json.WriteStringValue(config.BaseModel),
            ["bias"] = json => json.WriteStringValue("none"),
            ["exclude_modules"] = json => Modules(json, config.ExcludeModules),
            ["fan_in_fan_out"] = json => json.WriteBooleanValue(config.FanInFanOut),
            ["inference_mode"] = json => json.WriteBooleanValue(true),
            ["init_lora_weights"] = json => json.WriteBooleanValue(true),
            ["layers_pattern"] = json => List(json, config.LayersPattern, (j, name) => j.WriteStringValue(name)),
            ["layers_to_transform"] = json => List(json, config.LayersToTransform, (j, layer) => j.WriteNumberValue(layer)),
            ["loftq_config"] = json => Map(json, Array.Empty<KeyValuePair<string, int>>(), (_, _) => { }),
            ["lora_alpha"] = json => Number(json, config.Alpha),
            ["lora_dropout"] = json =>
                json.WriteRawValue(config.Dropout == Math.Floor(config.Dropout) ? $"{config.Dropout:F1}" : $"{config.Dropout:R}"),
            ["megatron_core"] = json => json.WriteStringValue("megatron.core"),
            ["modules_to_save"] = json => List(json, config.ModulesToSave, (j, name) => j.WriteStringValue(name)),
            ["peft_type"] = json => json.WriteStringValue("LORA"),
            ["peft_version"] = json => json.WriteStringValue("0.21.2"),
            ["qalora_group_size"] = json => json.WriteNumberValue(16),
            ["r"] = json => json.WriteNumberValue(config.Rank),
            ["rank_pattern"] = json => Map(json, config.RankPattern, (j, rank) => j.WriteNumberValue(rank)),
            ["revision"] = json => json.WriteStringValue(config.Revision),
            ["target_modules"] = json => Modules(json, config.TargetModules),
            ["task_type"] = json => json.WriteStringValue(config.TaskType),
            ["use_rslora"] = json => json.WriteBooleanValue(config.UseRsLora),
        };
        foreach (var name in Nulls)
            keys[name] = json => json.WriteNullValue();
        foreach (var name in Falses)
            keys[name] = json => json.WriteBooleanValue(false);

        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Options))
        {
            json.WriteStartObject();
            foreach (var (name, write) in keys)
            {
                json.WritePropertyName(name);
                write(json);
            }
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    // Parsed again, so that its blanks become ours.
    private static void Raw(Utf8JsonWriter json, string? text)
    {
        using var value = JsonDocument.Parse(text ?? "null");
        value.RootElement.WriteTo(json);
    }

    // As Python prints it: whole numbers without a point.
    private static void Number(Utf8JsonWriter json, double value) => json.WriteNumberValue(value);

    private static void Modules(Utf8JsonWriter json, PeftModules? modules)
    {
        if (modules?.Expression is { } expression)
            json.WriteStringValue(expression);
        else
            List(json, modules?.Names.Order(StringComparer.Ordinal).ToArray(), (j, name) => j.WriteStringValue(name));
    }

    private static void List<T>(Utf8JsonWriter json, IReadOnlyList<T>? items, Action<Utf8JsonWriter, T> write)
    {
        if (items is not { Count: > 0 })
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartArray();
        foreach (var item in items)
            write(json, item);
        json.WriteEndArray();
    }

    private static void Map<T>(Utf8JsonWriter json, IEnumerable<KeyValuePair<string, T>> map, Action<Utf8JsonWriter, T> write)
    {
        json.WriteStartObject();
        foreach (var (name, value) in map)
        {
            json.WritePropertyName(name);
            write(json, value);
        }
        json.WriteEndObject();
    }
}
