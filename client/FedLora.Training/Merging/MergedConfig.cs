using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using FedLora.Training.Models;

namespace FedLora.Training.Merging;

/// <summary>A merged model's <c>config.json</c>: the base model's, but for what the adapter made another.</summary>
internal static class MergedConfig
{
    // What a class is called after its family, e.g. BertForMaskedLM.
    private static readonly string[] Suffixes =
    [
        "ForSequenceClassification", "ForImageClassification", "ForTokenClassification", "ForQuestionAnswering", "ForMaskedLM",
        "ForPreTraining", "ForCausalLM", "LMHeadModel", "Model",
    ];

    internal static JsonSerializerOptions Indented { get; } = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The file's bytes; the base model's own where nothing is another.</summary>
    /// <param name="file">The base model's.</param>
    /// <param name="model">What the merged one is.</param>
    /// <param name="isUntied">Whether its head is no longer the word embedding.</param>
    /// <exception cref="FedLoraException"><c>model-config-invalid</c>: it does not name its class, and that has to be another.</exception>
    public static byte[] Of(string file, Architecture model, bool isUntied)
    {
        var made = ModelFamily.MadeFor(Path.GetDirectoryName(file)!);
        var isNamed = model.Task != ModelTask.Classification || (made == ModelTask.Classification
            && ModelFamily.ReadFolder(Path.GetDirectoryName(file)!).Labels.SequenceEqual(model.Labels, StringComparer.Ordinal));
        var bytes = File.ReadAllBytes(file);
        if (made == model.Task && isNamed && !isUntied)
            return bytes;
        var json = JsonNode.Parse(bytes)!.AsObject();
        if (made != model.Task)
            json["architectures"] = new JsonArray(ClassOf(json, model, file));
        if (!isNamed)
        {
            json["id2label"] = new JsonObject(model.Labels.Select((label, i) => KeyValuePair.Create($"{i}", (JsonNode?)label)));
            json["label2id"] = new JsonObject(model.Labels.Select((label, i) => KeyValuePair.Create(label, (JsonNode?)i)));
            json.Remove("num_labels");
        }
        if (isUntied)
            json["tie_word_embeddings"] = false;
        return Encoding.UTF8.GetBytes(json.ToJsonString(Indented) + "\n");
    }

    private static string ClassOf(JsonObject json, Architecture model, string file)
    {
        var name = (json["architectures"] as JsonArray)?.FirstOrDefault()?.ToString() ?? "";
        if (Array.Find(Suffixes, suffix => name.EndsWith(suffix, StringComparison.Ordinal)) is not { } before)
            throw new FedLoraException("model-config-invalid",
                $"'{file}' does not name the model's class in 'architectures', so that of the merged model cannot be written.",
                "Write it there, e.g. \"architectures\": [\"BertModel\"].");
        return name[..^before.Length] + model.Task switch
        {
            ModelTask.Classification when model.Image is not null => "ForImageClassification",
            ModelTask.Classification => "ForSequenceClassification",
            _ when model.ModelType == "gpt2" => "LMHeadModel",
            _ => "ForCausalLM",
        };
    }
}
