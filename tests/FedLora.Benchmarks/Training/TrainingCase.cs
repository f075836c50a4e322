namespace FedLora.Benchmarks.Training;

/// <summary>
/// What is trained in one row of <c>fedlora bench train</c>; both sides read it from a folder, so that they do the same work.
/// </summary>
/// <param name="Config">config.json, as transformers writes it.</param>
/// <param name="Tensors">The checkpoint's tensors.</param>
/// <param name="Job">case.json.</param>
internal sealed record TrainingCase(IReadOnlyDictionary<string, object> Config, IReadOnlyList<(string Name, int[] Shape)> Tensors,
    TrainingJob Job)
{
    /// <summary>
    /// SmolLM2-135M's shape cut to 8 layers; 8 x 128 tokens a step, LoRA r 8 on all seven linear layers, every token labelled.
    /// </summary>
    public static TrainingCase SmolLm2()
    {
        const int words = 49152;
        return Llama(8, words, new TrainingJob("causal", 8, LlamaTargets, Sequences(Enumerable.Repeat(128, 16), words), null));
    }

    /// <summary>The same in 16 layers with sequences of 512 tokens, 8 a step: 4,096 rows, a full pass.</summary>
    public static TrainingCase SmolLm2Long()
    {
        const int words = 49152;
        return Llama(16, words, new TrainingJob("causal", 8, LlamaTargets, Sequences(Enumerable.Repeat(512, 8), words), null));
    }

    /// <summary>
    /// SmolLM2's width in 2 layers with a small vocabulary, 4 of 24 sequences of 64 tokens a step, to be learnt by heart: 200 steps of it
    /// take seconds.
    /// </summary>
    public static TrainingCase Curves()
    {
        const int words = 4096;
        return Llama(2, words,
            new TrainingJob("causal", 4, LlamaTargets, Sequences(Enumerable.Repeat(64, 24), words), null) { Rate = 2e-3 });
    }

    /// <summary>The same shape, whole: 30 layers; one prompt of 32 tokens, without adapter, to be continued.</summary>
    public static TrainingCase SmolLm2Prompt()
    {
        const int words = 49152;
        return Llama(30, words, new TrainingJob("generate", 1, [], Sequences([32], words), null));
    }

    /// <summary>SmolLM2-135M's shape cut to 8 layers, without adapter; texts as long as e-mails are, 8 at once.</summary>
    public static TrainingCase SmolLm2Mails()
    {
        const int words = 49152;
        return Llama(8, words, new TrainingJob("causal", 8, [], Sequences(MailLengths.All.Take(32), words), null));
    }

    /// <summary>MiniLM's shape with a classifier, without adapter; texts as long as e-mails are, 32 at once.</summary>
    public static TrainingCase MiniLmMails()
    {
        var mails = MiniLm();
        var words = (int)mails.Config["vocab_size"];
        return mails with
        {
            Job = mails.Job with
            {
                Targets = [],
                Sequences = Sequences(MailLengths.All.Take(128), words),
                Classes = [.. Enumerable.Range(0, 128).Select(i => i % 2)],
            },
        };
    }

    private static readonly string[] LlamaTargets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

    private static TrainingCase Llama(int layers, int words, TrainingJob job)
    {
        const int width = 576, inner = 1536, heads = 9, keys = 3;
        var config = new Dictionary<string, object>
        {
            ["architectures"] = new[] { "LlamaForCausalLM" },
            ["model_type"] = "llama",
            ["hidden_size"] = width,
            ["intermediate_size"] = inner,
            ["num_hidden_layers"] = layers,
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = keys,
            ["vocab_size"] = words,
            ["max_position_embeddings"] = 8192,
            ["rope_theta"] = 100000.0,
            ["rms_norm_eps"] = 1e-5,
            ["hidden_act"] = "silu",
            ["tie_word_embeddings"] = true,
            ["attention_bias"] = false,
            ["mlp_bias"] = false,
            ["torch_dtype"] = "float32",
        };
        var tensors = new List<(string, int[])> { ("model.embed_tokens.weight", [words, width]), ("model.norm.weight", [width]) };
        for (var i = 0; i < layers; i++)
        {
            var layer = $"model.layers.{i}.";
            var shared = keys * (width / heads);
            tensors.AddRange([
                (layer + "input_layernorm.weight", [width]), (layer + "post_attention_layernorm.weight", [width]),
                (layer + "self_attn.q_proj.weight", [width, width]), (layer + "self_attn.k_proj.weight", [shared, width]),
                (layer + "self_attn.v_proj.weight", [shared, width]), (layer + "self_attn.o_proj.weight", [width, width]),
                (layer + "mlp.gate_proj.weight", [inner, width]), (layer + "mlp.up_proj.weight", [inner, width]),
                (layer + "mlp.down_proj.weight", [width, inner]),
            ]);
        }

        return new TrainingCase(config, tensors, job);
    }

    /// <summary>
    /// MiniLM's shape with a classifier; texts as long as e-mails are, at most 256 tokens, 32 a step, LoRA r 8 on query and value.
    /// </summary>
    public static TrainingCase MiniLm()
    {
        const int layers = 6, width = 384, inner = 1536, heads = 12, words = 30522, positions = 512;
        var config = new Dictionary<string, object>
        {
            ["architectures"] = new[] { "BertForSequenceClassification" },
            ["model_type"] = "bert",
            ["hidden_size"] = width,
            ["intermediate_size"] = inner,
            ["num_hidden_layers"] = layers,
            ["num_attention_heads"] = heads,
            ["vocab_size"] = words,
            ["max_position_embeddings"] = positions,
            ["type_vocab_size"] = 2,
            ["layer_norm_eps"] = 1e-12,
            ["hidden_act"] = "gelu",
            ["hidden_dropout_prob"] = 0.0,
            ["attention_probs_dropout_prob"] = 0.0,
            ["pad_token_id"] = 0,
            ["torch_dtype"] = "float32",
            ["id2label"] = new Dictionary<string, string> { ["0"] = "ham", ["1"] = "spam" },
            ["label2id"] = new Dictionary<string, int> { ["ham"] = 0, ["spam"] = 1 },
        };
        const string embeddings = "bert.embeddings.";
        var tensors = new List<(string, int[])>
        {
            (embeddings + "word_embeddings.weight", [words, width]), (embeddings + "position_embeddings.weight", [positions, width]),
            (embeddings + "token_type_embeddings.weight", [2, width]), (embeddings + "LayerNorm.weight", [width]),
            (embeddings + "LayerNorm.bias", [width]),
            ("bert.pooler.dense.weight", [width, width]), ("bert.pooler.dense.bias", [width]), ("classifier.weight", [2, width]),
            ("classifier.bias", [2]),
        };
        for (var i = 0; i < layers; i++)
        {
            var layer = $"bert.encoder.layer.{i}.";
            foreach (var (name, rows, columns) in new[]
            {
                ("attention.self.query", width, width), ("attention.self.key", width, width), ("attention.self.value", width, width),
                ("attention.output.dense", width, width), ("intermediate.dense", inner, width), ("output.dense", width, inner),
            })
                tensors.AddRange([($"{layer}{name}.weight", [rows, columns]), ($"{layer}{name}.bias", [rows])]);
            foreach (var name in new[] { "attention.output", "output" })
                tensors.AddRange([($"{layer}{name}.LayerNorm.weight", [width]), ($"{layer}{name}.LayerNorm.bias", [width])]);
        }

        var lengths = MailLengths.All.Take(64).ToArray();
        var job = new TrainingJob("classify", 32, ["query", "value"], Sequences(lengths, words),
            [.. Enumerable.Range(0, lengths.Length).Select(i => i % 2)]);
        return new TrainingCase(config, tensors, job);
    }

    /// <summary>The same with 96 tokens in every text: the shape of the demo, without uneven lengths.</summary>
    public static TrainingCase MiniLmEven()
    {
        var mixed = MiniLm();
        var words = (int)mixed.Config["vocab_size"];
        return mixed with { Job = mixed.Job with { Sequences = Sequences(Enumerable.Repeat(96, mixed.Job.Sequences.Length), words) } };
    }

    private static int[][] Sequences(IEnumerable<int> lengths, int words)
    {
        var random = new Random(1);
        return [.. lengths.Select(length => Enumerable.Range(0, length).Select(_ => random.Next(1, words)).ToArray())];
    }
}

/// <summary>case.json, read by both sides.</summary>
/// <param name="Kind"><c>causal</c>: every token is a label; <c>classify</c>: <paramref name="Classes"/> are.</param>
/// <param name="Batch">Sequences of a step.</param>
/// <param name="Targets">Linear layers with LoRA.</param>
/// <param name="Sequences">Token ids.</param>
/// <param name="Classes">The class of each sequence.</param>
internal sealed record TrainingJob(string Kind, int Batch, string[] Targets, int[][] Sequences, int[]? Classes)
{
    public int Rank { get; init; } = 8;

    public double Alpha { get; init; } = 16;

    public double Rate { get; init; } = 1e-4;

    public long Tokens => Sequences.Sum(sequence => (long)sequence.Length);
}
