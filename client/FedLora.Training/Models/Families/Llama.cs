namespace FedLora.Training.Models.Families;

/// <summary>Llama and those built like it: Mistral (a window), Qwen 2 (biases), Qwen 3 (normalised heads).</summary>
internal static class Llama
{
    public static Architecture Read(ConfigJson config, ModelTask task) => Decoder(config, task, _ => null);

    /// <summary>A window in every layer.</summary>
    public static Architecture ReadMistral(ConfigJson config, ModelTask task) =>
        Decoder(config, task, _ => config.OptionalSize("sliding_window"));

    public static Architecture ReadQwen2(ConfigJson config, ModelTask task) => Decoder(config, task, QwenWindow(config));

    public static Architecture ReadQwen3(ConfigJson config, ModelTask task)
    {
        var read = Decoder(config, task, QwenWindow(config));
        return read with
        {
            Attention = read.Attention with { NormalisedHeads = true },
            Names = read.Names with { Block = read.Names.Block with { QueryNorm = "self_attn.q_norm", KeyNorm = "self_attn.k_norm" } },
        };
    }

    /// <summary>The shape that all decoders of this kind share.</summary>
    /// <param name="config">The model's config.</param>
    /// <param name="task">What it is asked for.</param>
    /// <param name="window">Window of a layer where the config has no <c>layer_types</c>.</param>
    public static Architecture Decoder(ConfigJson config, ModelTask task, Func<int, int?> window)
    {
        var (width, heads, layers) = (config.Size("hidden_size"), config.Size("num_attention_heads"), config.Size("num_hidden_layers"));
        var (headSize, maxLength) = (config.Size("head_dim", width / heads), config.Size("max_position_embeddings", 2048));
        return new Architecture
        {
            ModelType = config.Text("model_type")!,
            Width = width,
            Inner = config.Size("intermediate_size"),
            Layers = layers,
            MaxLength = maxLength,
            Vocabulary = config.Size("vocab_size"),
            Attention = new AttentionShape(heads, config.Size("num_key_value_heads", heads), headSize, 1 / Math.Sqrt(headSize),
                Causal: true)
            {
                Rotary = RotaryShape.Read(config, headSize, maxLength),
                Windows = Windows(config, layers, window),
            },
            Norm = NormKind.Rms,
            Placement = NormPlacement.Pre,
            NormEpsilon = config.Number("rms_norm_eps", 1e-6),
            Activation = Activations.Read(config, "hidden_act", "silu"),
            GatedFeedForward = true,
            PadToken = config.TokenId("pad_token_id"),
            EndToken = config.TokenId("eos_token_id"),
            TiedHead = config.Flag("tie_word_embeddings", false),
            Names = new ModelNames
            {
                Base = "model",
                Words = "embed_tokens",
                FinalNorm = "norm",
                Blocks = "layers",
                Block = new BlockNames
                {
                    Attention = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
                    AttentionOutput = "self_attn.o_proj",
                    Inner = ["mlp.gate_proj", "mlp.up_proj"],
                    Outer = "mlp.down_proj",
                    AttentionNorm = "input_layernorm",
                    FeedForwardNorm = "post_attention_layernorm",
                },
                Head = DecoderHead(task),
            },
        };
    }

    /// <summary>A decoder's heads: <c>lm_head</c>, or <c>score</c> on the last token that is not padding.</summary>
    public static HeadNames DecoderHead(ModelTask task) => task switch
    {
        ModelTask.CausalLanguageModelling => new HeadNames { Output = "lm_head" },
        ModelTask.Classification => new HeadNames { Output = "score", ReadsLastToken = true },
        _ => new HeadNames(),
    };

    /// <summary>The window of each layer: <c>layer_types</c> (transformers 5) decides where it is there.</summary>
    public static int?[] Windows(ConfigJson config, int layers, Func<int, int?> otherwise)
    {
        var types = config.Texts("layer_types");
        if (types.Count == 0)
            return [.. Enumerable.Range(0, layers).Select(otherwise)];
        if (types.Count != layers)
            throw config.Invalid($"has {types.Count} layer_types for {layers} layers");
        return
        [
            .. types.Select(type => type switch
            {
                "full_attention" => (int?)null,
                "sliding_attention" => config.Size("sliding_window"),
                _ => throw config.Invalid($"has a layer of type '{type}', which is not known (full_attention, sliding_attention)"),
            }),
        ];
    }

    private static Func<int, int?> QwenWindow(ConfigJson config)
    {
        var window = config.Flag("use_sliding_window", false) ? config.OptionalSize("sliding_window") : null;
        var first = (int)config.Number("max_window_layers", 28);
        return layer => layer >= first ? window : null;
    }
}
