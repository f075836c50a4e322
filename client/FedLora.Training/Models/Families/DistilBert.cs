namespace FedLora.Training.Models.Families;

/// <summary>DistilBERT: BERT without token types and pooler, with names of its own.</summary>
internal static class DistilBert
{
    public static Architecture Read(ConfigJson config, ModelTask task)
    {
        var (width, heads, layers) = (config.Size("dim"), config.Size("n_heads"), config.Size("n_layers"));
        var activation = Activations.Read(config, "activation", "gelu");
        return new Architecture
        {
            ModelType = "distilbert",
            Width = width,
            Inner = config.Size("hidden_dim"),
            Layers = layers,
            MaxLength = config.Size("max_position_embeddings"),
            Vocabulary = config.Size("vocab_size"),
            Attention = new AttentionShape(heads, heads, width / heads, 1 / Math.Sqrt(width / heads), Causal: false)
            {
                Windows = new int?[layers],
            },
            Norm = NormKind.Layer,
            Placement = NormPlacement.Post,
            NormEpsilon = 1e-12,
            Activation = activation,
            PadToken = config.TokenId("pad_token_id") ?? 0,
            TiedHead = config.Flag("tie_word_embeddings", true),
            Names = new ModelNames
            {
                Base = "distilbert",
                Words = "embeddings.word_embeddings",
                Positions = "embeddings.position_embeddings",
                EmbeddingNorm = "embeddings.LayerNorm",
                Blocks = "transformer.layer",
                Block = new BlockNames
                {
                    Attention = ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
                    AttentionOutput = "attention.out_lin",
                    Inner = ["ffn.lin1"],
                    Outer = "ffn.lin2",
                    AttentionNorm = "sa_layer_norm",
                    FeedForwardNorm = "output_layer_norm",
                },
                Head = task switch
                {
                    ModelTask.Classification =>
                        new HeadNames { Dense = "pre_classifier", DenseActivation = Activation.Relu, Output = "classifier" },
                    ModelTask.MaskedLanguageModelling =>
                        new HeadNames
                        {
                            Dense = "vocab_transform",
                            DenseActivation = activation,
                            DenseNorm = "vocab_layer_norm",
                            Output = "vocab_projector",
                            OutputBias = "vocab_projector.bias",
                        },
                    _ => new HeadNames(),
                },
            },
        };
    }
}
