using FedLora.Simulations.Demo;
using FedLora.Tokenizers;
using FedLora.Training.Models;

namespace FedLora.Cli.Demo;

/// <summary>The base models that demo and presets take: the repository's own, below <c>simulations/models</c>.</summary>
internal static class DemoModel
{
    /// <summary>The demo's.</summary>
    internal const string MailModel = "mail-encoder";

    /// <summary>A model's folder.</summary>
    /// <param name="name">As its folder is called.</param>
    internal static string Folder(string name = MailModel)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var model = Path.Combine(folder.FullName, "simulations", "models", name);
            if (Directory.Exists(model) && IsModel(model))
                return model;
        }
        throw new FedLoraException("model-missing", $"the base model simulations/models/{name} is not there",
            name == MailModel ? "give another with --model DIR" : "take it from FedLora's repository");
    }

    /// <summary>Looks at what can be seen of a model without its weights, before the demo begins its minutes of work.</summary>
    /// <returns>The folder, absolute.</returns>
    /// <exception cref="FedLoraException">As <see cref="ModelFamily.ReadFolder"/> and <see cref="Tokenizer.Load"/>.</exception>
    internal static string Check(string folder)
    {
        _ = ModelFamily.ReadFolder(folder, ModelTask.Classification, Mail.Labels);
        _ = Tokenizer.Load(Path.Combine(folder, "tokenizer.json"));
        return Path.GetFullPath(folder);
    }

    private static bool IsModel(string folder) =>
        File.Exists(Path.Combine(folder, "config.json")) && Directory.EnumerateFiles(folder, "*.safetensors").Any();
}
