using FedLora.Adapters;
using FedLora.Federations.Definitions;
using FedLora.Training.Models;

namespace FedLora.Training.Preparation;

/// <summary>
/// Names of modules in a federation's file, each looked up in the base model. PEFT minds only where none of a list is there; a name that is
/// not is a slip all the same, and would be noticed, if ever,
/// by an adapter that is smaller than meant.
/// </summary>
internal static class NamedModules
{
    private static readonly PeftModules None = PeftModules.Of();

    /// <exception cref="FedLoraException"><c>adapter-target-missing</c>, naming the setting, the name and the nearest known
    /// one.</exception>
    public static void Require(LoraSpec lora, Architecture model, string folder)
    {
        string[] linear = [.. LinearShape.Of(model).Select(layer => layer.Name)];
        string[] head = [.. new[] { model.Names.Head.Dense, model.Names.Head.Output }.OfType<string>()];
        // A head may be named as a target, where it is not trained as a whole; offered is what always is one.
        if (PeftModules.From(lora.TargetModules) is { Expression: null } targets)
            Require("lora.target_modules", targets.Names, linear, [.. linear.Except(head)],
                (name, module) => PeftModules.Of(name).Matches(module), folder);
        string[] whole = [.. head, .. ModelLayout.Embeddings(model).Select(tensor => tensor.Name[..tensor.Name.LastIndexOf('.')])];
        Require("lora.modules_to_save", lora.ModulesToSave, whole, whole, Saves, folder);
    }

    private static bool Saves(string name, string module) =>
        new PeftConfig { Rank = 1, Alpha = 1, TargetModules = None, ModulesToSave = [name] }.Saves(module);

    private static void Require(string setting, IEnumerable<string> names, string[] modules, string[] offered,
        Func<string, string, bool> matches, string folder)
    {
        if (names.FirstOrDefault(name => !modules.Any(module => matches(name, module))) is not { } unknown)
            return;
        // The last part of a name, as files have it, or the first, where that names one.
        var parts = offered.Select(module => module[(module.LastIndexOf('.') + 1)..])
            .Concat(offered.Select(module => module.Split('.')[0]));
        string[] known = [.. parts.Distinct(StringComparer.Ordinal).Where(part => offered.Any(module => matches(part, module)))
            .Order(StringComparer.Ordinal)];
        throw new FedLoraException("adapter-target-missing",
            $"{setting}: the base model {folder} has no module '{unknown}'{Nearest.Question(unknown, known)}",
            $"Name one of: {string.Join(", ", known)}.");
    }
}
