using System.Globalization;
using System.Text.RegularExpressions;

namespace FedLora.Adapters;

/// <summary>
/// The part of PEFT's LoRA settings (<c>adapter_config.json</c>) that FedLora knows; everything else is refused by name when read.
/// </summary>
public sealed record PeftConfig
{
    /// <summary>r, at least 1.</summary>
    public required int Rank { get; init; }

    /// <summary>lora_alpha, above 0.</summary>
    public required double Alpha { get; init; }

    /// <summary>target_modules.</summary>
    public required PeftModules TargetModules { get; init; }

    /// <summary>lora_dropout, in [0, 1).</summary>
    public double Dropout { get; init; }

    /// <summary>exclude_modules.</summary>
    public PeftModules? ExcludeModules { get; init; }

    /// <summary>modules_to_save: last parts of the names of modules that are trained whole.</summary>
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>rank_pattern: expression for the end of a module's path, and its rank; the first that matches counts.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> RankPattern { get; init; } = [];

    /// <summary>alpha_pattern, likewise.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> AlphaPattern { get; init; } = [];

    public bool UseRsLora { get; init; }

    /// <summary>use_dora: rows of the changed weight have lengths of their own, <see cref="PeftFolder.Magnitudes"/>.</summary>
    public bool UseDora { get; init; }

    /// <summary>layers_to_transform: numbers of the only layers that are adapted; null for all.</summary>
    public IReadOnlyList<int>? LayersToTransform { get; init; }

    /// <summary>layers_pattern: names of the lists of layers, e.g. <c>layers</c>; empty for any.</summary>
    public IReadOnlyList<string> LayersPattern { get; init; } = [];

    /// <summary>fan_in_fan_out: the base weights are stored d_in x d_out (GPT-2's Conv1D). The factors are not.</summary>
    public bool FanInFanOut { get; init; }

    /// <summary>task_type, e.g. <c>CAUSAL_LM</c> or <c>SEQ_CLS</c>.</summary>
    public string? TaskType { get; init; }

    /// <summary>base_model_name_or_path.</summary>
    public string? BaseModel { get; init; }

    /// <summary>auto_mapping, as PEFT wrote it (JSON): the model's class, where there is no task_type.</summary>
    public string? AutoMapping { get; init; }

    /// <summary>revision.</summary>
    public string? Revision { get; init; }

    /// <summary>Whether PEFT adapts a module of this path.</summary>
    public bool Targets(string module) =>
        ExcludeModules?.Matches(module) != true && TargetModules.Matches(module)
            && (LayersToTransform is not { Count: > 0 } layers || TargetModules.IgnoresLayers(module) || IsInLayers(module, layers));

    /// <summary>Whether PEFT trains and saves the module of this path whole, or one that it lies in.</summary>
    public bool Saves(string module)
    {
        for (var end = module.Length; end > 0; end = module.LastIndexOf('.', end - 1))
        {
            if (ModulesToSave.Any(name => module.AsSpan(0, end).EndsWith(name, StringComparison.Ordinal)))
                return true;
        }
        return false;
    }

    /// <summary>The rank of a module.</summary>
    public int RankOf(string module) => FirstMatch(RankPattern, module, Rank);

    /// <summary>lora_alpha of a module.</summary>
    public double AlphaOf(string module) => FirstMatch(AlphaPattern, module, Alpha);

    /// <summary>The layout that these settings give for a model.</summary>
    /// <param name="linear">The model's linear layers (their own rank and alpha are overwritten).</param>
    /// <param name="parameters">All parameters outside of them that might be saved whole: path with parameter, and shape.</param>
    /// <exception cref="FedLoraException"><c>adapter-target-missing</c>: no module matches.</exception>
    public AdapterLayout LayoutFor(IEnumerable<AdapterModule> linear, IEnumerable<HeadTensor> parameters)
    {
        var heads = parameters.Where(p => Saves(p.Name[..p.Name.LastIndexOf('.')])).ToArray();
        var all = linear.ToArray();
        var modules = all.Where(m => Targets(m.Name) && !Saves(m.Name)).Select(m => m with
        {
            Rank = RankOf(m.Name) is var rank && rank != Rank ? rank : null,
            Alpha = AlphaOf(m.Name) is var alpha && !alpha.Equals(Alpha) ? alpha : null,
        });
        var layout = new AdapterLayout([.. modules.OrderBy(m => m.Name, StringComparer.Ordinal)], Rank, Alpha,
            [.. heads.OrderBy(h => h.Name, StringComparer.Ordinal)], UseRsLora);
        return layout.Modules.Length > 0
            ? layout
            : throw new FedLoraException("adapter-target-missing",
                $"No module of the model matches target_modules {TargetModules.Expression ?? string.Join(", ", TargetModules.Names)}.",
                $"The model's linear layers end in: {string.Join(", ", LastParts(all))}."
                    + (TargetModules.Expression is null || all.Length == 0 ? ""
                        : $" An expression is held against a whole name, such as {all[0].Name}: begin it with .*"));
    }

    /// <summary>The last parts of the modules' names, in order: what <c>target_modules</c> usually names.</summary>
    public static IEnumerable<string> LastParts(IEnumerable<AdapterModule> modules) =>
        modules.Select(module => module.Name[(module.Name.LastIndexOf('.') + 1)..]).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal);

    /// <summary>These settings with rank, alpha and scale of a layout; modules of their own rank or alpha become patterns.</summary>
    public PeftConfig WithPatternsOf(AdapterLayout layout) => this with
    {
        Rank = layout.Rank,
        Alpha = layout.Alpha,
        UseRsLora = layout.UseRsLora,
        RankPattern = [.. layout.Modules.Where(m => m.Rank is not null)
            .Select(m => KeyValuePair.Create(Regex.Escape(m.Name), m.Rank!.Value))],
        AlphaPattern = [.. layout.Modules.Where(m => m.Alpha is not null)
            .Select(m => KeyValuePair.Create(Regex.Escape(m.Name), m.Alpha!.Value))],
    };

    private bool IsInLayers(string module, IReadOnlyList<int> layers)
    {
        IEnumerable<string> patterns = LayersPattern.Count > 0 ? LayersPattern : ["[^.]*"];
        foreach (var pattern in patterns)
        {
            var match = PeftModules.Compile(pattern, @"^.*\.(?:", @")\.(?<layer>[0-9]+)\.").Match(module);
            if (match.Success)
                return layers.Contains(int.Parse(match.Groups["layer"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture));
        }
        return false;
    }

    private static T FirstMatch<T>(IEnumerable<KeyValuePair<string, T>> patterns, string module, T otherwise)
    {
        foreach (var (pattern, value) in patterns)
        {
            if (PeftModules.IsMatch(PeftModules.Compile(pattern, @"^(?:.*\.)?(?:", @")\z"), module))
                return value;
        }
        return otherwise;
    }
}
