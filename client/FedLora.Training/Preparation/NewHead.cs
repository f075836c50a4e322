using FedLora.Adapters;
using FedLora.Training.Models;

namespace FedLora.Training.Preparation;

/// <summary>
/// What a base model lacks of the head that a federation wants: it is made up, and then it has to be trained and exported, or the result
/// would be another one elsewhere.
/// </summary>
internal static class NewHead
{
    /// <summary>Settings that save whatever is made up.</summary>
    /// <param name="settings">The federation's.</param>
    /// <param name="made">Tensors that <see cref="BaseModel.Check"/> found missing.</param>
    /// <param name="model">The model.</param>
    /// <param name="folder">The base model's, for errors.</param>
    /// <returns>The settings, and what the operator is told.</returns>
    /// <exception cref="FedLoraException"><c>model-head-missing</c>: a language model's head, which nobody wants to make up.</exception>
    public static (PeftConfig Settings, IReadOnlyList<string> Remarks) Complete(PeftConfig settings, IReadOnlyList<string> made,
        Architecture model, string folder)
    {
        string[] modules = [.. made.Select(name => name[..name.LastIndexOf('.')]).Distinct(StringComparer.Ordinal)];
        if (modules.Length == 0)
            return (settings, []);
        string[] frozen = [.. modules.Where(module => !settings.Saves(module))];
        if (frozen.Length > 0 && model.Task != ModelTask.Classification)
        {
            throw new FedLoraException("model-head-missing",
                $"the base model {folder} has no {string.Join(", ", frozen)}, and config.json does not tie it to the embedding",
                "choose a checkpoint with its head (...ForCausalLM), or write modules_to_save: [lm_head] to train a new one");
        }
        var prefix = $"{model.Names.Base}.";
        var added = frozen.Select(module => module.StartsWith(prefix, StringComparison.Ordinal) ? module[prefix.Length..] : module);
        return (settings with { ModulesToSave = [.. settings.ModulesToSave, .. added] },
            [$"the base model has no {string.Join(" and no ", modules)} for "
                + $"{(model.Task == ModelTask.Classification ? $"{model.Labels.Count} classes" : "this task")}: it starts anew, is "
                + $"trained, and is part of the adapter"]);
    }
}
