namespace FedLora.Adapters;

/// <summary>An adapter folder as PEFT reads and writes it: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
/// <param name="Config">The settings.</param>
/// <param name="State">The factors A and B of every adapted module and the tensors of the saved ones.</param>
public sealed record PeftFolder(PeftConfig Config, AdapterState State)
{
    /// <summary>What using it needs besides; null where nobody says.</summary>
    public AdapterUse? Use { get; init; }

    /// <summary>
    /// DoRA: by module, the length that each row of W + s B A is brought to (d_out of them); null where that is no DoRA adapter. Such
    /// adapters are used and merged, and neither trained nor written.
    /// </summary>
    public IReadOnlyDictionary<string, float[]>? Magnitudes { get; init; }

    public const string ConfigFile = "adapter_config.json";
    public const string ModelFile = "adapter_model.safetensors";

    private const string Magnitude = ".lora_magnitude_vector";

    /// <summary>Reads a folder and checks that it is whole in itself.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="takesDora">Whether the caller heeds <see cref="Magnitudes"/>; where not, DoRA is refused.</param>
    /// <exception cref="FedLoraException">
    /// <c>file-missing</c>, <c>adapter-config-invalid</c>, <c>adapter-unsupported</c>, <c>adapter-key-invalid</c>, <c>tensor-missing</c>,
    /// <c>tensor-unexpected</c>, <c>tensor-shape</c>, <c>tensor-not-finite</c> or what <see cref="SafetensorsFile.Open"/> says.
    /// </exception>
    public static PeftFolder Read(string folder, bool takesDora = false)
    {
        var file = Path.Combine(folder, ConfigFile);
        if (!File.Exists(file))
            throw new FedLoraException("file-missing", $"There is no '{file}'.",
                "An adapter folder holds adapter_config.json and adapter_model.safetensors.");
        var config = PeftConfigReader.Read(File.ReadAllBytes(file), file, takesDora);
        var model = Path.Combine(folder, ModelFile);
        if (!File.Exists(model) && File.Exists(Path.Combine(folder, "adapter_model.bin")))
            throw new FedLoraException("file-missing", $"'{folder}' holds adapter_model.bin, a pickle, which is not read.",
                "Save the adapter with safe_serialization=True.");
        var state = AdapterState.Load(model);
        var adapter = new PeftFolder(config, config.UseDora ? new AdapterState(state.Where(t => !IsMagnitude(t.Name))) : state)
        {
            Use = AdapterUse.Read(folder),
        };
        adapter.Check(model);
        return config.UseDora ? adapter with { Magnitudes = adapter.MagnitudesIn(state, model) } : adapter;
    }

    /// <summary>Writes the folder: whole or not at all where the disk is full, the settings last, byte-stable for equal content.</summary>
    public void Write(string folder)
    {
        if (Config.UseDora)
            throw new FedLoraException("adapter-unsupported", $"An adapter with DoRA is not written, and so not to '{folder}'.",
                "Merge it into its base model, see: fedlora adapter merge --help");
        Check(folder);
        List<(string, Action<Stream>)> files = [(ModelFile, stream => SafetensorsWriter.Write(State, stream.Write))];
        if (Use is { } use)
            files.AddRange(
                [(AdapterUse.FileName, stream => stream.Write(use.ToBytes())), ("README.md", stream => stream.Write(use.ToCard()))]);
        AtomicFile.WriteAll(folder, [.. files, (ConfigFile, stream => stream.Write(PeftConfigWriter.Write(Config)))]);
    }

    /// <summary>The layout of exactly these tensors.</summary>
    public AdapterLayout Layout()
    {
        var modules = State.Select(t => (Tensor: t, Key: AdapterKey.Parse(t.Name))).Where(t => t.Key.Factor == Factors.A)
            .Select(t => new AdapterModule(t.Key.Module, State[new AdapterKey(t.Key.Module, Factors.B).Name].Rows, t.Tensor.Columns));
        var heads = State.Where(t => AdapterKey.Parse(t.Name).Factor == Factors.Head)
            .Select(t => new HeadTensor(t.Name["base_model.model.".Length..], [.. t.Shape]));
        // The tensors say what is adapted: target_modules need not be asked again, but the patterns of rank and alpha do.
        return (Config with { TargetModules = new PeftModules([], PeftModules.AllLinear), ExcludeModules = null, LayersToTransform = null })
            .LayoutFor(modules, heads);
    }

    /// <summary>Refuses an adapter that is not, tensor by tensor, the one that its settings make of a model.</summary>
    /// <param name="layout">What <see cref="PeftConfig.LayoutFor"/> gives for that model.</param>
    /// <param name="where">The folder, for errors.</param>
    public void RequireFits(AdapterLayout layout, string where) => layout.Require(State, Factors.A | Factors.B | Factors.Head, where);

    private static bool IsEmbedding(string module) =>
        module[(module.LastIndexOf('.') + 1)..] is "embed_tokens" or "wte" or "wpe"
            || module.EndsWith("_embeddings", StringComparison.Ordinal);

    // Older PEFT writes ".weight" after it.
    private static bool IsMagnitude(string tensor) =>
        tensor.EndsWith(Magnitude, StringComparison.Ordinal) || tensor.EndsWith(Magnitude + ".weight", StringComparison.Ordinal);

    private Dictionary<string, float[]> MagnitudesIn(AdapterState all, string where)
    {
        var found = all.Where(t => IsMagnitude(t.Name)).ToDictionary(
            t => t.Name[AdapterKey.Prefix.Length..t.Name.LastIndexOf(Magnitude, StringComparison.Ordinal)], t => t, StringComparer.Ordinal);
        var modules = Layout().Modules;
        foreach (var module in modules)
        {
            if (!found.TryGetValue(module.Name, out var magnitude))
                throw new FedLoraException("tensor-missing",
                    $"'{where}' lacks tensor '{AdapterKey.Prefix}{module.Name}{Magnitude}', which DoRA has for every module.",
                    "The file is not whole: write it again.");
            if (magnitude.Values.Length != module.DOut)
                throw new FedLoraException("tensor-shape",
                    $"'{where}': tensor '{magnitude.Name}' holds {magnitude.Values.Length} lengths for {module.DOut} rows.",
                    "Settings and tensors do not belong together.");
            magnitude.RequireFinite();
        }
        if (found.Keys.Except(modules.Select(module => module.Name), StringComparer.Ordinal).FirstOrDefault() is { } extra)
            throw new FedLoraException("tensor-unexpected", $"'{where}': tensor '{found[extra].Name}' is of a module that has no factors.",
                "Settings and tensors do not belong together.");
        return found.ToDictionary(entry => entry.Key, entry => entry.Value.Values, StringComparer.Ordinal);
    }

    private void Check(string where)
    {
        try
        {
            CheckTensors(where);
        }
        catch (FedLoraException error) when (error.Code is "adapter-key-invalid" or "tensor-not-finite")
        {
            // What a tensor says of itself, with the file that it is in.
            throw new FedLoraException(error.Code, $"'{where}': {error.Message}", error.Hint, error);
        }
    }

    private void CheckTensors(string where)
    {
        foreach (var tensor in State)
        {
            var key = AdapterKey.Parse(tensor.Name);
            var rank = Config.RankOf(key.Module);
            switch (key.Factor)
            {
                case Factors.Head when IsEmbedding(key.Module) && !Config.Saves(key.Module):
                    throw new FedLoraException("adapter-unsupported",
                        $"'{where}': tensor '{tensor.Name}' is an embedding's, which modules_to_save does not name.",
                        "Where it was trained, name it in modules_to_save and train again; where not, save the adapter with "
                            + "save_embedding_layers=False.");
                case Factors.Head when !Config.Saves(key.Module):
                case Factors.R:
                    throw new FedLoraException("tensor-unexpected",
                        $"'{where}': tensor '{tensor.Name}' belongs to nothing that adapter_config.json names.",
                        "List its module in modules_to_save, or export the adapter again.");
                case Factors.A or Factors.B when !Config.Targets(key.Module):
                    throw new FedLoraException("tensor-unexpected",
                        $"'{where}': module '{key.Module}' has a tensor '{tensor.Name}' but is not among target_modules.",
                        "Settings and tensors do not belong together.");
                case Factors.A or Factors.B:
                    var other = new AdapterKey(key.Module, key.Factor == Factors.A ? Factors.B : Factors.A).Name;
                    if (!State.TryGet(other, out _))
                        throw new FedLoraException("tensor-missing",
                            $"'{where}' lacks tensor '{other}', the other half of '{tensor.Name}'.",
                            "The file is not whole: write it again.");
                    if (tensor.Shape.Length != 2 || tensor.Shape[key.Factor == Factors.A ? 0 : 1] != rank || tensor.Values.Length == 0)
                        throw new FedLoraException("tensor-shape",
                            $"'{where}': tensor '{tensor.Name}' has shape [{string.Join(", ", tensor.Shape)}], which does not go with "
                                + $"rank {rank}.", "Settings and tensors do not belong together.");
                    break;
            }
            tensor.RequireFinite();
        }
        if (State.Count == 0)
            throw new FedLoraException("tensor-missing", $"'{where}' holds no tensor.", "The file is not whole: write it again.");
    }
}
