using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Kernels;
using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Running;

/// <summary>How text is continued.</summary>
public sealed record GenerationSettings
{
    /// <summary>Most tokens to add, at least 1.</summary>
    public int MaxNewTokens { get; init; } = 128;

    /// <summary>0 takes the likeliest token; otherwise tokens are drawn from softmax(logits / temperature).</summary>
    public double Temperature { get; init; }

    /// <summary>Draws only among the likeliest tokens that together have this probability, in (0, 1].</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Decides what is drawn.</summary>
    public ulong Seed { get; init; }

    /// <summary>The tokens that end the text, any of them; none for no end.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <exception cref="FedLoraException"><c>generation-settings-invalid</c>.</exception>
    public void Validate()
    {
        if (MaxNewTokens < 1 || Temperature < 0 || !double.IsFinite(Temperature) || TopP is not (> 0 and <= 1))
            throw new FedLoraException("generation-settings-invalid",
                "The number of tokens must be at least 1, the temperature at least 0, top-p above 0 and at most 1.", "Mend the options.");
    }
}

/// <summary>Continues a text token by token; keys and values of earlier positions are kept.</summary>
public static class TextGenerator
{
    /// <summary>The new tokens, as they come; ends at the end token, at the most tokens, or where the model's length ends.</summary>
    /// <param name="model">A causal language model.</param>
    /// <param name="prompt">At least one token.</param>
    /// <param name="settings">How.</param>
    /// <param name="cancellationToken">Looked at before every token.</param>
    /// <exception cref="FedLoraException"><c>model-task-unsupported</c>, <c>example-invalid</c>,
    /// <c>generation-settings-invalid</c>.</exception>
    public static IEnumerable<int> Run(Transformer model, IReadOnlyList<int> prompt, GenerationSettings settings,
        CancellationToken cancellationToken = default)
    {
        settings.Validate();
        if (model.Architecture.Task != ModelTask.CausalLanguageModelling)
            throw new FedLoraException("model-task-unsupported",
                $"A model of the architecture '{model.Architecture.ModelType}' loaded for {model.Architecture.Task} cannot generate text.",
                "Use a causal language model.");
        return Continue(model, [.. prompt], settings, cancellationToken);
    }

    private static IEnumerable<int> Continue(Transformer model, int[] next, GenerationSettings settings,
        CancellationToken cancellationToken)
    {
        using var cache = new KeyValueCache(model.Architecture.Layers);
        var random = new Random((int)(settings.Seed ^ (settings.Seed >> 32)));
        for (var made = 0; made < settings.MaxNewTokens && cache.Length + next.Length <= model.Architecture.MaxLength; made++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var token = Next(model, next, cache, settings, random);
            if (settings.EndTokens.Contains(token))
                yield break;
            yield return token;
            next = [token];
        }
    }

    private static int Next(Transformer model, int[] tokens, KeyValueCache cache, GenerationSettings settings, Random random)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        using var batch = new Batch([new Example(tokens)], model.Architecture, model.Device, cache.Length);
        var logits = model.Logits(new Pass(batch) { Cache = cache }, RowSet.Of([1], [tokens.Length - 1], model.Device));
        return Sampler.Choose(HostMemory.Read(logits.to(ScalarType.Float32).cpu().contiguous()), settings, random);
    }
}
