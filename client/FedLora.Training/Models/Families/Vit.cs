namespace FedLora.Training.Models.Families;

/// <summary>ViT: an encoder over patches of an image, led by a class token. Checkpoints on the hub keep older names.</summary>
internal static class Vit
{
    public static Architecture Read(ConfigJson config, ModelTask task)
    {
        var (width, heads, layers) = (config.Size("hidden_size"), config.Size("num_attention_heads"), config.Size("num_hidden_layers"));
        var image = new ImageShape(config.Size("image_size", 224), config.Size("num_channels", 3), config.Size("patch_size", 16));
        if (image.Side % image.Patch != 0)
            throw config.Invalid($"cuts images of {image.Side} pixels into patches of {image.Patch}");
        return new Architecture
        {
            ModelType = "vit",
            Width = width,
            Inner = config.Size("intermediate_size"),
            Layers = layers,
            MaxLength = image.Patches + 1,
            Image = image,
            Attention = new AttentionShape(heads, heads, width / heads, 1 / Math.Sqrt(width / heads), Causal: false)
            {
                Windows = new int?[layers],
            },
            Norm = NormKind.Layer,
            Placement = NormPlacement.Pre,
            NormEpsilon = config.Number("layer_norm_eps", 1e-12),
            Activation = Activations.Read(config, "hidden_act", "gelu"),
            Names = new ModelNames
            {
                Base = "vit",
                FinalNorm = "layernorm",
                Blocks = "layers",
                Block = new BlockNames
                {
                    Attention = ["attention.q_proj", "attention.k_proj", "attention.v_proj"],
                    AttentionOutput = "attention.o_proj",
                    Inner = ["mlp.fc1"],
                    Outer = "mlp.fc2",
                    AttentionNorm = "layernorm_before",
                    FeedForwardNorm = "layernorm_after",
                },
                Head = task == ModelTask.Classification ? new HeadNames { Output = "classifier" } : new HeadNames(),
                Spellings =
                [
                    ("vit.layers.", "vit.encoder.layer."), ("attention.q_proj.", "attention.attention.query."),
                    ("attention.k_proj.", "attention.attention.key."),
                    ("attention.v_proj.", "attention.attention.value."), ("attention.o_proj.", "attention.output.dense."),
                    ("mlp.fc1.", "intermediate.dense."), ("mlp.fc2.", "output.dense."),
                ],
            },
        };
    }
}
