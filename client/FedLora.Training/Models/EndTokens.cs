using FedLora.Tokenizers;

namespace FedLora.Training.Models;

/// <summary>The tokens that end a text, any of them: as transformers' <c>generate</c> has them.</summary>
public static class EndTokens
{
    /// <summary>
    /// <c>eos_token_id</c> of <c>generation_config.json</c>, else of <c>config.json</c>, else the tokenizer's end of text; empty where
    /// nothing says.
    /// </summary>
    /// <exception cref="FedLoraException"><c>model-config-missing</c>, <c>model-config-invalid</c>.</exception>
    public static IReadOnlyList<int> Of(string folder, Tokenizer tokenizer)
    {
        foreach (var name in new[] { "generation_config.json", "config.json" })
        {
            var file = Path.Combine(folder, name);
            if ((name == "config.json" || File.Exists(file)) && ConfigJson.Load(file).TokenIds("eos_token_id") is { Count: > 0 } stated)
                return stated;
        }
        return tokenizer.IdOf(tokenizer.Special.EndOfText) is { } end ? [end] : [];
    }
}
