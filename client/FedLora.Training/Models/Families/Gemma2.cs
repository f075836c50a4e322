namespace FedLora.Training.Models.Families;

/// <summary>Gemma 2: norms before and after, capped scores and logits, a window in every other layer, a scaled embedding.</summary>
internal static class Gemma2
{
    public static Architecture Read(ConfigJson config, ModelTask task)
    {
        if (config.Flag("use_bidirectional_attention", false))
            throw config.Invalid("wants bidirectional attention, which is not supported for gemma2");
        var read = Llama.Decoder(config, task, layer => layer % 2 == 0 ? config.OptionalSize("sliding_window") : null);
        return read with
        {
            Attention = read.Attention with
            {
                Scale = 1 / Math.Sqrt(config.Number("query_pre_attn_scalar", read.Attention.HeadSize)),
                SoftCap = config.OptionalNumber("attn_logit_softcapping"),
            },
            Norm = NormKind.RmsPlusOne,
            Placement = NormPlacement.Sandwich,
            Activation = Activations.Read(config, config.Has("hidden_activation") ? "hidden_activation" : "hidden_act",
                "gelu_pytorch_tanh"),
            EmbeddingScale = Math.Sqrt(read.Width),
            LogitSoftCap = config.OptionalNumber("final_logit_softcapping"),
            TiedHead = config.Flag("tie_word_embeddings", true),
            Names = read.Names with
            {
                Block = read.Names.Block with
                {
                    AttentionPostNorm = "post_attention_layernorm",
                    FeedForwardNorm = "pre_feedforward_layernorm",
                    FeedForwardPostNorm = "post_feedforward_layernorm",
                },
            },
        };
    }
}
