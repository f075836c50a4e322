namespace FedLora.Training.Models.Families;

/// <summary>Phi 3: like Llama with query, key and value in one layer, and gate and up in one.</summary>
internal static class Phi3
{
    public static Architecture Read(ConfigJson config, ModelTask task)
    {
        var read = Llama.Decoder(config, task, _ => config.OptionalSize("sliding_window"));
        var kind = (config.Section("rope_parameters") ?? config.Section("rope_scaling"))?.Text("rope_type")
            ?? (config.Section("rope_scaling")?.Text("type"));
        return read with
        {
            MaxLength = kind is "longrope" or "su" ? config.Size("original_max_position_embeddings", read.MaxLength) : read.MaxLength,
            NormEpsilon = config.Number("rms_norm_eps", 1e-5),
            Names = read.Names with { Block = read.Names.Block with { Attention = ["self_attn.qkv_proj"], Inner = ["mlp.gate_up_proj"] } },
        };
    }
}
