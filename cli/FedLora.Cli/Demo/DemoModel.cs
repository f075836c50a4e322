using FedLora.Simulations.Demo;
using FedLora.Tokenizers;
using FedLora.Training.Models;

namespace FedLora.Cli.Demo;

/// <summary>The base model that the demo takes: the repository's own, below <c>simulations/models</c>.</summary>
internal static class DemoModel
{
    internal static string Folder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var models = Path.Combine(folder.FullName, "simulations", "models");
            if (Directory.Exists(models)
                && Directory.EnumerateDirectories(models).Order(StringComparer.Ordinal).FirstOrDefault(IsModel) is { } found)
                return found;
        }
        throw new FedLoraException("model-missing", "the demo's base model is not there: no folder below simulations/models holds one",
            "give another with --model DIR");
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
