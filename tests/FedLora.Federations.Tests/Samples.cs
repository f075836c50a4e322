using FedLora.Federations.Definitions;
using FedLora.Federations.Files;

namespace FedLora.Federations.Tests;

/// <summary>Federation files for tests.</summary>
internal static class Samples
{
    /// <summary>No setting but what must be there.</summary>
    public const string Least = """
        name: spam
        method: fedit
        rounds: 3
        task: { kind: classification, labels: [ham, spam] }
        lora: { target_modules: [query, value] }
        """;

    /// <summary>Every setting, none at its default.</summary>
    public const string Full = """
        name: spam
        method: fed-sb
        base_model: models/it's
        public_data: public.jsonl
        rounds: 3
        seed: 9007199254740993
        weighting: public-counts
        max_weight: 4
        task: { kind: classification, labels: ["true", "1", "a: b"] }
        method_options: { init: lora-sb, init_step: 0.01, freeze_head: true }
        lora:
          { rank: 4, alpha: 16, dropout: 0.1, target_modules: [query], modules_to_save: [classifier], rslora: true,
            rank_groups: { small: 2 } }
        training:
          { local_steps: 5, batch_size: 4, optimizer: sgd, learning_rate: 0.1, weight_decay: 0, max_grad_norm: 1, max_tokens: 64,
            schedule: cosine, dtype: bf16, max_update_norm: 5 }
        privacy: { epsilon: 4, delta: 1e-6, clip_norm: 0.5, noise_multiplier: 1.1, sampling_rate: 1/3, accountant: rdp }
        cohort:
          { size: 4, over_select: 1.5, quorum: 3, deadline_seconds: 60, max_repeats: 2, min_nodes: 4, wait_seconds: 20,
            sampling_timeout_seconds: 90 }
        communication:
          { down: 1/16, up: 1/64, values: bf16, spare_b: true, server_optimizer: fedadam, server_learning_rate: 0.01,
            groups: { slow: { up: 1/256 } } }
        public_counts: { a: 100, b: 200 }
        retention: { update_rounds: 3, adapter_rounds: 4 }
        """;

    public static FederationFile Read(string text) =>
        FederationFile.Read(YamlMap.Parse("file.yaml", new StringReader(text)), Path.GetFullPath("/folder"));

    /// <summary>Whole, as a coordinator stores it.</summary>
    public static FederationDefinition Whole => Read(Full).Definition with
    {
        BaseModel = new BaseModelSpec { Fingerprint = new string('a', 64), Name = "tiny", Architecture = "BertForSequenceClassification" },
        Layout = new LayoutSpec
        {
            Modules = [new ModuleSpec { Name = "bert.encoder.layer.0.attention.self.query", DOut = 6, DIn = 5 }],
            Head = [new HeadSpec { Name = "base_model.model.classifier.weight", Shape = [3, 6] }],
        },
    };
}
