using System.CommandLine;
using System.Diagnostics;
using FedLora.Cli.Output;
using FedLora.Tokenizers;
using FedLora.Training.Data;
using FedLora.Training.Models;
using FedLora.Training.Running;

namespace FedLora.Cli.Commands.Models;

/// <summary><c>fedlora generate</c>: continues texts, word by word as they come.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var model = new ModelOptions();
        var prompt = new Option<string?>("--prompt") { Description = "The text to continue." };
        var prompts = new Option<string?>("--prompts")
        {
            Description = "Instead: a file of texts to continue. A .txt file with one in each line, or JSONL, CSV, TSV, Parquet with a "
                + "field prompt (or text).",
        };
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
        var seed = new Option<ulong>("--seed")
        {
            Description = "Decides what is drawn; the second text of a file is drawn with the next higher one, and so on.",
            DefaultValueFactory = _ => 0,
        };
        var command = model.AddTo(
            new Command("generate", "Continue texts with a causal language model, with or without adapter.")
            {
                prompt,
                prompts,
                most,
                temperature,
                topP,
                seed,
            });
        return command
            .Streams(typeof(GenerateJson))
            .Runs((parsed, output, cancellationToken) => Task.Run(() => Run(parsed, output, cancellationToken), cancellationToken));

        void Run(ParseResult parsed, CommandOutput output, CancellationToken cancellationToken)
        {
            var settings = new GenerationSettings
            {
                MaxNewTokens = parsed.GetValue(most),
                Temperature = parsed.GetValue(temperature),
                TopP = parsed.GetValue(topP),
                Seed = parsed.GetValue(seed),
            };
            settings.Validate();
            var texts = (parsed.GetValue(prompt), parsed.GetValue(prompts)) switch
            {
                ({ } text, null) => [text],
                (null, { } file) => PromptFile.Read(file, cancellationToken),
                _ => throw new UsageException("generate wants either --prompt or --prompts", "e.g. --prompt \"Dear colleagues,\""),
            };
            var folder = parsed.GetValue(model.Model)!;
            using var loaded = AdaptedModel.Load(folder, parsed.GetValue(model.Adapter),
                model.Load(parsed) with { Task = ModelTask.CausalLanguageModelling });
            ModelOptions.SayOtherBase(loaded.Adapter?.Use, folder, output);
            if (loaded.MadeUp.Count > 0)
                output.Remark($"The checkpoint has no {string.Join(", ", loaded.MadeUp)}: an untrained head writes.");
            var tokenizer = Tokenizer.Load(folder);
            // All of them, so that the last one's fault does not come after hours.
            var starts = texts.Select((text, i) => Start(text, i, texts.Count, tokenizer, loaded.Base.Architecture)).ToList();
            settings = settings with { EndTokens = EndTokens.Of(folder, tokenizer) };
            foreach (var (i, start) in starts.Index())
            {
                if (starts.Count > 1 && !output.Json)
                    output.Remark($"-- {i + 1} of {starts.Count}");
                Continue(loaded.Base, start, i, tokenizer, settings with { Seed = settings.Seed + (ulong)i }, output, cancellationToken);
            }
        }
    }

    private static void Continue(BaseModel model, int[] start, int number, Tokenizer tokenizer, GenerationSettings settings,
        CommandOutput output, CancellationToken cancellationToken)
    {
        var (text, made, began) = (new GrowingText(tokenizer, start), 0, Stopwatch.GetTimestamp());
        var prompt = text.Text;
        Show(text.Next());
        foreach (var token in TextGenerator.Run(model.Transformer, start, settings, cancellationToken))
        {
            made++;
            text.Add(token);
            Show(text.Next());
        }
        Show(text.Next(isLast: true) + '\n');
        if (!output.Json)
            return;
        var room = Math.Min(settings.MaxNewTokens, model.Architecture.MaxLength - start.Length + 1);
        var added = text.Text.StartsWith(prompt, StringComparison.Ordinal) ? text.Text[prompt.Length..] : text.Text;
        output.Result(new GenerateJson(number + 1, text.Text, added, start.Length, made, made < room,
            Stopwatch.GetElapsedTime(began).TotalSeconds), _ => { });

        void Show(string piece)
        {
            if (output.Json || piece.Length == 0)
                return;
            output.Console.Profile.Out.Writer.Write(piece);
            output.Console.Profile.Out.Writer.Flush();
        }
    }

    private static int[] Start(string text, int number, int of, Tokenizer tokenizer, Architecture model)
    {
        var name = of == 1 ? "The prompt" : $"Prompt {number + 1}";
        int[] ids = [.. tokenizer.With(null, null).Encode(text).Ids];
        if (ids.Length == 0)
            throw new FedLoraException("prompt-empty", $"{name} holds no token.", "Give some text to continue.");
        return ids.Length <= model.MaxLength ? ids
            : throw new FedLoraException("prompt-too-long", $"{name} has {ids.Length} tokens; this model takes {model.MaxLength}.",
                "Shorten the prompt.");
    }
}

/// <param name="Number">Which prompt, from 1.</param>
/// <param name="Text">The prompt and what was added.</param>
/// <param name="Added">What was added.</param>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="Tokens">Tokens added.</param>
/// <param name="Ended">Whether the model ended the text itself.</param>
/// <param name="Seconds">Taken.</param>
internal sealed record GenerateJson(int Number, string Text, string Added, int PromptTokens, int Tokens, bool Ended, double Seconds);
