namespace FedLora.Training.Models.Families;

/// <summary>BERT and RoBERTa: encoders with norms after each part. They differ in positions and heads.</summary>
internal static class Bert
{
    public static Architecture Read(ConfigJson config, ModelTask task) => Encoder(config, "bert", firstPosition: 0, task switch
    {
        ModelTask.Classification => new HeadNames { Dense = "bert.pooler.dense", DenseActivation = Activation.Tanh, Output = "classifier" },
        ModelTask.MaskedLanguageModelling => new HeadNames
        {
            Dense = "cls.predictions.transform.dense",
            DenseActivation = Activations.Read(config, "hidden_act", "gelu"),
            DenseNorm = "cls.predictions.transform.LayerNorm",
            Output = "cls.predictions.decoder",
            OutputBias = "cls.predictions.bias",
        },
        _ => new HeadNames(),
    });

    public static Architecture ReadRoberta(ConfigJson config, ModelTask task)
    {
        var pad = config.TokenId("pad_token_id") ?? 1;
        var read = Encoder(config, "roberta", firstPosition: pad + 1, task switch
        {
            ModelTask.Classification =>
                new HeadNames { Dense = "classifier.dense", DenseActivation = Activation.Tanh, Output = "classifier.out_proj" },
            ModelTask.MaskedLanguageModelling =>
                new HeadNames
                {
                    Dense = "lm_head.dense",
                    DenseActivation = Activation.Gelu,
                    DenseNorm = "lm_head.layer_norm",
                    Output = "lm_head.decoder",
                    OutputBias = "lm_head.bias",
                },
            _ => new HeadNames(),
        });
        return read with { PadToken = pad, MaxLength = read.MaxLength - read.FirstPosition };
    }

    private static Architecture Encoder(ConfigJson config, string name, int firstPosition, HeadNames head)
    {
        if (config.Text("position_embedding_type") is { } kind and not "absolute")
            throw config.Invalid($"has position_embedding_type '{kind}'; only absolute is supported");
        if (config.Flag("is_decoder", false))
            throw config.Invalid("is a decoder, which is not supported for this architecture");
        var (width, heads, layers) = (config.Size("hidden_size"), config.Size("num_attention_heads"), config.Size("num_hidden_layers"));
        return new Architecture
        {
            ModelType = name,
            Width = width,
            Inner = config.Size("intermediate_size"),
            Layers = layers,
            MaxLength = config.Size("max_position_embeddings"),
            FirstPosition = firstPosition,
            Vocabulary = config.Size("vocab_size"),
            TokenTypes = config.Size("type_vocab_size", 2),
            Attention = new AttentionShape(heads, heads, width / heads, 1 / Math.Sqrt(width / heads), Causal: false)
            {
                Windows = new int?[layers],
            },
            Norm = NormKind.Layer,
            Placement = NormPlacement.Post,
            NormEpsilon = config.Number("layer_norm_eps", 1e-12),
            Activation = Activations.Read(config, "hidden_act", "gelu"),
            PadToken = config.TokenId("pad_token_id") ?? 0,
            TiedHead = config.Flag("tie_word_embeddings", true),
            Names = new ModelNames
            {
                Base = name,
                Words = "embeddings.word_embeddings",
                Positions = "embeddings.position_embeddings",
                TokenTypes = "embeddings.token_type_embeddings",
                EmbeddingNorm = "embeddings.LayerNorm",
                Blocks = "encoder.layer",
                Block = new BlockNames
                {
                    Attention = ["attention.self.query", "attention.self.key", "attention.self.value"],
                    AttentionOutput = "attention.output.dense",
                    Inner = ["intermediate.dense"],
                    Outer = "output.dense",
                    AttentionNorm = "attention.output.LayerNorm",
                    FeedForwardNorm = "output.LayerNorm",
                },
                Head = head,
                Spellings = [("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")],
            },
        };
    }
}
