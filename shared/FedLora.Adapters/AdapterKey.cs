namespace FedLora.Adapters;

/// <summary>What the name of an adapter's tensor says. Names are the keys of PEFT's adapter files.</summary>
/// <param name="Module">Dotted path of the module in the base model, e.g. <c>model.layers.0.self_attn.q_proj</c>.</param>
/// <param name="Factor">Exactly one of <see cref="Factors"/>.</param>
/// <param name="Parameter">Name of the parameter within the module: <c>weight</c>, and for heads also <c>bias</c>.</param>
public readonly record struct AdapterKey(string Module, Factors Factor, string Parameter = "weight")
{
    internal const string Prefix = "base_model.model.";

    /// <summary>The tensor's name, e.g. <c>base_model.model.classifier.bias</c>.</summary>
    public string Name => Factor switch
    {
        Factors.A or Factors.B or Factors.R => $"{Prefix}{Module}.lora_{Factor}.weight",
        Factors.Head => $"{Prefix}{Module}.{Parameter}",
        _ => throw new InvalidOperationException($"{Factor} is not one factor."),
    };

    /// <summary>Takes a tensor's name apart.</summary>
    /// <exception cref="FedLoraException"><c>adapter-key-invalid</c>: not a name that PEFT's LoRA writes, or of a kind that is not
    /// supported.</exception>
    public static AdapterKey Parse(string name)
    {
        if (!name.StartsWith(Prefix, StringComparison.Ordinal))
            throw Invalid(name, $"does not start with '{Prefix}'");
        var path = name[Prefix.Length..];
        var dot = path.LastIndexOf('.');
        if (dot <= 0 || dot == path.Length - 1)
            throw Invalid(name, "names no module and parameter");
        var (module, parameter) = (path[..dot], path[(dot + 1)..]);
        foreach (var factor in (ReadOnlySpan<Factors>)[Factors.A, Factors.B, Factors.R])
        {
            if (parameter == "weight" && module.EndsWith($".lora_{factor}", StringComparison.Ordinal))
                return new AdapterKey(module[..^".lora_A".Length], factor);
        }
        if (parameter == "weight" && module.Split('.') is [.., "lora_A" or "lora_B", var adapter])
            throw Invalid(name, $"carries the adapter's name '{adapter}', as state_dict() has it and save_pretrained leaves it out",
                "Save the adapter with model.save_pretrained(FOLDER).");
        if (path.Contains("lora_embedding_", StringComparison.Ordinal))
            throw Invalid(name, "belongs to LoRA on an embedding, which is not supported",
                "Train the adapter with linear layers alone in target_modules.");
        if (path.Contains("lora_magnitude_vector", StringComparison.Ordinal))
            throw Invalid(name, "belongs to DoRA, which is not supported here",
                "Train the adapter with use_dora=False; one to evaluate or merge says use_dora: true in adapter_config.json.");
        return path.Contains("lora_", StringComparison.Ordinal)
            ? throw Invalid(name, "belongs to a variant of LoRA that is not supported (bias in lora_B, ...)")
            : new AdapterKey(module, Factors.Head, parameter);
    }

    private static FedLoraException Invalid(string name, string why,
        string hint = "Expected keys such as base_model.model.MODULE.lora_A.weight, as PEFT writes them.") =>
            new("adapter-key-invalid", $"Tensor '{name}' {why}.", hint);
}
