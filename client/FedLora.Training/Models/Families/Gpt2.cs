namespace FedLora.Training.Models.Families;

/// <summary>GPT-2: learnt positions, query, key and value in one layer, linear layers stored d_in x d_out.</summary>
internal static class Gpt2
{
    public static Architecture Read(ConfigJson config, ModelTask task)
    {
        if (config.Flag("scale_attn_by_inverse_layer_idx", false) || config.Flag("add_cross_attention", false))
            throw config.Invalid("wants scale_attn_by_inverse_layer_idx or add_cross_attention, which are not supported");
        var (width, heads) = (config.Size("n_embd"), config.Size("n_head"));
        var layers = config.Size("n_layer");
        return new Architecture
        {
            ModelType = "gpt2",
            Width = width,
            Inner = config.Size("n_inner", 4 * width),
            Layers = layers,
            MaxLength = config.Size("n_positions", 1024),
            Vocabulary = config.Size("vocab_size"),
            Attention = new AttentionShape(heads, heads, width / heads,
                config.Flag("scale_attn_weights", true) ? 1 / Math.Sqrt(width / heads) : 1, Causal: true)
            {
                Windows = new int?[layers],
            },
            Norm = NormKind.Layer,
            Placement = NormPlacement.Pre,
            NormEpsilon = config.Number("layer_norm_epsilon", 1e-5),
            Activation = Activations.Read(config, "activation_function", "gelu_new"),
            PadToken = config.TokenId("pad_token_id"),
            EndToken = config.TokenId("eos_token_id"),
            TiedHead = config.Flag("tie_word_embeddings", true),
            TransposedLinears = true,
            Names = new ModelNames
            {
                Base = "transformer",
                Words = "wte",
                Positions = "wpe",
                FinalNorm = "ln_f",
                Blocks = "h",
                Block = new BlockNames
                {
                    Attention = ["attn.c_attn"],
                    AttentionOutput = "attn.c_proj",
                    Inner = ["mlp.c_fc"],
                    Outer = "mlp.c_proj",
                    AttentionNorm = "ln_1",
                    FeedForwardNorm = "ln_2",
                },
                Head = Llama.DecoderHead(task),
            },
        };
    }
}
