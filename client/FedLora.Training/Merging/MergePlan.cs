using FedLora.Adapters;
using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Merging;

/// <summary>All tensors of a merged model, in the order of the base model's files.</summary>
internal sealed class MergePlan
{
    private readonly SafetensorsFolder _weights;
    private readonly Architecture _model;
    private readonly PeftFolder _adapter;
    private readonly WeightReader _reader;
    private readonly string _blocks;

    // By the base model's name, or the model's own where that has none.
    private readonly Dictionary<string, MergedTensor> _changed = new(StringComparer.Ordinal);

    /// <param name="weights">The base model's.</param>
    /// <param name="model">What the merged one is.</param>
    /// <param name="adapter">Fits it.</param>
    /// <param name="layout">The adapter's on this model.</param>
    /// <param name="isOtherClass">Whether the base model was made for another task.</param>
    /// <exception cref="FedLoraException"><c>safetensors-dtype</c>, <c>tensor-shape</c>, <c>merge-unsupported</c>.</exception>
    public MergePlan(SafetensorsFolder weights, Architecture model, PeftFolder adapter, AdapterLayout layout, bool isOtherClass)
    {
        (_weights, _model, _adapter) = (weights, model, adapter);
        _reader = new WeightReader(weights, model.Names, newHead: true, CPU);
        _blocks = $"{model.Names.Base}.{model.Names.Blocks}.";
        foreach (var module in layout.Modules)
            Merge(module, layout.ScaleOf(module));
        foreach (var head in layout.Heads)
            Replace(head);
        KeepHead(layout);
        Tensors = Order(isOtherClass);
    }

    /// <summary>The merged model's.</summary>
    public IReadOnlyList<MergedTensor> Tensors { get; }

    /// <summary>Whether the head was the word embedding, and is a tensor of its own now.</summary>
    public bool IsUntied { get; private set; }

    private string LastFile => System.IO.Path.GetFileName(_weights.Names.Select(name => _weights.FileOf(name).Path)
        .Max(StringComparer.Ordinal)!);

    private void Merge(AdapterModule module, double scale)
    {
        var (name, stored) = Place($"{module.Name}.weight");
        var entry = _weights.Entry(stored ?? throw new FedLoraException("tensor-missing",
            $"The model in '{_weights.Path}' has no tensor '{name}' to merge into.", "The adapter belongs to another base model."));
        var isTransposed = _model.TransposedLinears && module.Name.StartsWith(_blocks, StringComparison.Ordinal);
        var product = new MergedProduct(_adapter.State[new AdapterKey(module.Name, Factors.A).Name],
            _adapter.State[new AdapterKey(module.Name, Factors.B).Name], scale, _adapter.Magnitudes?[module.Name]);
        var (file, type) = (_weights.FileOf(stored), _reader.TypeOf(entry));
        Set(name, entry.Dtype, entry.Shape, (sink, cancellationToken) =>
            TensorMerging.Add(file, entry, type, product, isTransposed, sink, cancellationToken));
    }

    private void Replace(HeadTensor head)
    {
        var (name, stored) = Place(head.Name);
        // A tensor that is new is of the type that the model has most of.
        var entry = _weights.Entry(stored ?? _reader.Find($"{LinearShape.Of(_model)[0].Name}.weight")!);
        var (source, type) = (_adapter.State[$"base_model.model.{head.Name}"], _reader.TypeOf(entry));
        Set(name, entry.Dtype, Array.ConvertAll(source.Shape, size => (long)size), (sink, _) => TensorMerging.Take(source, type, sink));
    }

    // A head that was the embedding is what the embedding was, where the adapter has another one.
    private void KeepHead(AdapterLayout layout)
    {
        var words = $"{_model.Names.Base}.{_model.Names.Words}.weight";
        var name = $"{_model.Names.Head.Output}.weight";
        if (!_model.TiedHead || _model.Task == ModelTask.Classification || layout.Heads.All(head => head.Name != words)
            || _changed.ContainsKey(name))
            return;
        var stored = Place(name).Stored!;
        var (file, entry) = (_weights.FileOf(stored), _weights.Entry(stored));
        Set(name, entry.Dtype, entry.Shape, (sink, cancellationToken) => TensorMerging.Copy(file, entry, sink, cancellationToken));
    }

    // What it is called in the merged model, and where it comes from. A head that is the embedding gets a copy of its own, as with PEFT.
    private (string Name, string? Stored) Place(string name)
    {
        if (!_model.TiedHead || _model.Task == ModelTask.Classification || name != $"{_model.Names.Head.Output}.weight")
            return (_reader.Find(name) ?? name, _reader.Find(name));
        if (_model.Task != ModelTask.CausalLanguageModelling)
            throw new FedLoraException("merge-unsupported", $"The adapter changes '{name}', which is this model's word embedding too.",
                "Use the adapter beside its base model, without merging.");
        IsUntied = true;
        return (name, _reader.Find($"{_model.Names.Base}.{_model.Names.Words}.weight"));
    }

    private void Set(string name, SafetensorsDtype type, long[] shape, Action<SafetensorsWriter.Sink, CancellationToken> write) =>
        _changed[name] = new MergedTensor(name, type, shape, _weights.Contains(name) ? FileOf(name) : LastFile, write);

    private string FileOf(string name) => System.IO.Path.GetFileName(_weights.FileOf(name).Path);

    private List<MergedTensor> Order(bool isOtherClass)
    {
        string[] stored = [.. _weights.Names.OrderBy(FileOf, StringComparer.Ordinal).ThenBy(name => _weights.Entry(name).Start)];
        var all = stored.Select(name => _changed.GetValueOrDefault(name) ?? Copied(name))
            .Concat(_changed.Values.Where(tensor => !_weights.Contains(tensor.Name)));
        var prefix = $"{_model.Names.Base}.";
        // Checkpoints of the bare model leave the prefix out; beside a head's tensors it has to be there.
        var isBare = !Array.Exists(stored, name => name.StartsWith(prefix, StringComparison.Ordinal));
        if (isBare && _changed.Keys.Any(name => !_weights.Contains(name)))
            all = all.Select(tensor => _weights.Contains(tensor.Name) ? tensor with { Name = prefix + tensor.Name } : tensor);
        // The head that the base model was made with is not this one's.
        return [.. all.Where(tensor => !isOtherClass || isBare || tensor.Name.StartsWith(prefix, StringComparison.Ordinal)
            || _changed.ContainsKey(tensor.Name))];
    }

    private MergedTensor Copied(string name)
    {
        var (file, entry) = (_weights.FileOf(name), _weights.Entry(name));
        return new MergedTensor(name, entry.Dtype, entry.Shape, FileOf(name), (sink, cancellationToken) =>
            TensorMerging.Copy(file, entry, sink, cancellationToken));
    }
}
