using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Tokenizers;
using FedLora.Training.Models;
using FedLora.Training.Running;

namespace FedLora.Cli.Commands.Models;

/// <summary><c>fedlora generate</c>: continues a text.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var model = new ModelOptions();
        var prompt = new Option<string>("--prompt") { Description = "The text to continue.", Required = true };
        var most = new Option<int>("--max-tokens") { Description = "Most tokens to add.", DefaultValueFactory = _ => 128 };
        var temperature = new Option<double>("--temperature")
        {
            Description = "0 takes the likeliest token; above, tokens are drawn.",
            DefaultValueFactory = _ => 0,
        };
        var topP = new Option<double>("--top-p")
        {
            Description = "Draw only among the likeliest tokens that together have this probability.",
            DefaultValueFactory = _ => 1,
        };
        var seed = new Option<ulong>("--seed") { Description = "Decides what is drawn.", DefaultValueFactory = _ => 0 };
        var command = model.AddTo(
            new Command("generate", "Continue a text with a causal language model, with or without adapter.")
            {
                prompt,
                most,
                temperature,
                topP,
                seed,
            });
        return command
            .Writes(typeof(GenerateJson))
            .Runs((parsed, output, cancellationToken) => Task.Run(() => Run(parsed, output, cancellationToken), cancellationToken));

        void Run(ParseResult parsed, CommandOutput output, CancellationToken cancellationToken)
        {
            var folder = parsed.GetValue(model.Model)!;
            using var loaded = AdaptedModel.Load(folder, parsed.GetValue(model.Adapter),
                model.Load(parsed) with { Task = ModelTask.CausalLanguageModelling });
            ModelOptions.SayOtherBase(loaded.Adapter?.Use, folder, output);
            if (loaded.MadeUp.Count > 0)
                output.Remark($"The checkpoint has no {string.Join(", ", loaded.MadeUp)}: an untrained head writes.");
            var tokenizer = Tokenizer.Load(folder);
            var settings = new GenerationSettings
            {
                MaxNewTokens = parsed.GetValue(most),
                Temperature = parsed.GetValue(temperature),
                TopP = parsed.GetValue(topP),
                Seed = parsed.GetValue(seed),
                EndTokens = EndTokens.Of(folder, tokenizer),
            };
            var start = Prompt(parsed.GetValue(prompt)!, tokenizer, loaded.Base.Architecture);
            var tokens = TextGenerator.Run(loaded.Base.Transformer, start, settings, cancellationToken).ToArray();
            // Decoded together with the prompt, so that blanks and characters across the seam come out right.
            var text = tokenizer.Decode([.. start, .. tokens]);
            output.Result(new GenerateJson(text, start.Length, tokens.Length), console => console.Profile.Out.Writer.WriteLine(text));
        }
    }

    private static int[] Prompt(string text, Tokenizer tokenizer, Architecture model)
    {
        int[] ids = [.. tokenizer.With(null, null).Encode(text).Ids];
        if (ids.Length == 0)
            throw new FedLoraException("prompt-empty", "The prompt holds no token.", "Give some text with --prompt.");
        return ids.Length <= model.MaxLength ? ids
            : throw new FedLoraException("prompt-too-long", $"The prompt has {ids.Length} tokens; this model takes {model.MaxLength}.",
                "Shorten the prompt.");
    }
}

/// <param name="Text">The prompt and what was added.</param>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="Tokens">Tokens added.</param>
internal sealed record GenerateJson(string Text, int PromptTokens, int Tokens);
