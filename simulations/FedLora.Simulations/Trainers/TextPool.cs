using System.Collections;
using FedLora.Federations.Definitions;
using FedLora.Simulations.Data;
using FedLora.Simulations.Nodes;
using FedLora.Simulations.Scenarios;
using FedLora.Training.Data;

namespace FedLora.Simulations.Trainers;

/// <summary>All texts or images of a scenario, each encoded when a node first trains on it, and kept once whoever has it.</summary>
internal sealed class TextPool : INodeData
{
    private readonly DataFile _file;
    private readonly DataSettings _settings;
    private readonly ModelInput _input;
    private readonly Example?[] _examples;
    private readonly FederationDefinition _definition;
    private readonly string _heldOut;
    private IReadOnlyList<int> _current = [];
    private IReadOnlyList<Example>? _test;

    private TextPool(DataFile file, DataSettings settings, ModelInput input, FederationDefinition definition,
        ScenarioDefinition scenario)
    {
        (_file, _settings, _input, _definition, _heldOut) = (file, settings, input, definition, scenario.Data.HeldOut);
        _examples = new Example?[file.Records.Count];
        var order = Enumerable.Range(0, file.Records.Count).ToArray();
        var test = 0;
        if (_heldOut.Length == 0)
        {
            // Another draw than the split's, so that the same examples are held out whatever the split.
            new Random((int)Draw.Bits(scenario.Seed, Draws.Data, 1)).Shuffle(order);
            test = (int)(order.Length * scenario.Data.HeldOutShare);
        }

        (HeldOut, Training) = (order[..test], [.. order[test..].Order()]);
    }

    /// <summary>Indices of the examples that nodes may have.</summary>
    public IReadOnlyList<int> Training { get; }

    /// <summary>Of those that no node has; empty where a file of its own holds them.</summary>
    private IReadOnlyList<int> HeldOut { get; }

    /// <summary>Reads the file; nothing is encoded yet.</summary>
    /// <exception cref="FedLoraException"><c>data-missing</c>, <c>data-invalid</c>, <c>data-label-unknown</c>, <c>data-empty</c>,
    /// <c>tokenizer-missing</c>, <c>image-processor-missing</c>.</exception>
    public static TextPool Read(ScenarioDefinition scenario, FederationDefinition definition, string modelFolder,
        CancellationToken cancellationToken)
    {
        var settings = new DataSettings(
            definition.Task.Kind == LearningTask.Classification ? TextTask.SequenceClassification : TextTask.CausalLanguageModelling,
            definition.Training.MaxTokens,
            definition.Task.Kind == LearningTask.Classification ? [.. definition.Task.Labels] : [],
            Unit: scenario.Data.Split.Kind == SplitKind.Field ? scenario.Data.Split.Field : null);
        var file = DataFile.Read(scenario.Data.Train, settings, cancellationToken);
        return new(file, settings with { Unit = null }, ModelInput.Load(modelFolder), definition, scenario);
    }

    /// <summary>What a split goes by.</summary>
    public Deal Deal() =>
        new(Training, _settings.Task == TextTask.SequenceClassification ? ClassOf : null, index => _file.Records[index].Unit ?? "");

    public int ClassOf(int index) => _file.Records[index].Class!.Value;

    /// <summary>Says whose examples are read next.</summary>
    public void Turn(IReadOnlyList<int> examples) => _current = examples;

    /// <inheritdoc/>
    public (DataSet Data, IReadOnlyList<ReadOnlyMemory<byte>> Identities) Read(FederationDefinition definition,
        CancellationToken cancellationToken)
    {
        Encode(_current, cancellationToken);
        return (new(new View(_examples, _current), 0, 0, _file.Skipped), []);
    }

    /// <summary>The held-out examples.</summary>
    public IReadOnlyList<Example> Test(string modelFolder, CancellationToken cancellationToken)
    {
        if (_test is not null)
            return _test;
        if (_heldOut.Length > 0)
            return _test = new NodeData(_heldOut, modelFolder, skipBadLines: false).Read(_definition, cancellationToken).Data.Examples;
        Encode(HeldOut, cancellationToken);
        return _test = new View(_examples, HeldOut);
    }

    private void Encode(IReadOnlyList<int> indices, CancellationToken cancellationToken)
    {
        var missing = indices.Where(index => _examples[index] is null).Distinct().ToArray();
        if (missing.Length == 0)
            return;
        var encoded = DataSet.Of(_file with { Records = [.. missing.Select(index => _file.Records[index])] }, _settings, _input,
            cancellationToken).Examples;
        foreach (var (place, index) in missing.Index())
            _examples[index] = encoded[place];
    }

    private sealed class View(Example?[] all, IReadOnlyList<int> indices) : IReadOnlyList<Example>
    {
        public int Count => indices.Count;

        public Example this[int index] => all[indices[index]]!;

        public IEnumerator<Example> GetEnumerator() => indices.Select(index => all[index]!).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
