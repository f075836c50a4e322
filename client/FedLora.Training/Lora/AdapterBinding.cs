using FedLora.Adapters;
using FedLora.Training.Blocks;
using static TorchSharp.torch;

namespace FedLora.Training.Lora;

/// <summary>
/// An adapter on a model: puts factors beside its linear layers and head tensors in their places, and takes them off again.
/// </summary>
public sealed class AdapterBinding : IDisposable
{
    private readonly LinearLayers _model;
    private readonly List<Slot> _factors = [];
    private readonly List<Slot> _heads = [];
    private readonly Stack<Action> _undo = [];
    private readonly List<LinearPart> _parts = [];

    /// <summary>Puts an adapter on.</summary>
    /// <param name="model">A model without adapter.</param>
    /// <param name="state">A and B (Fed-SB: and R) of every module, and head tensors.</param>
    /// <param name="layout">Ranks and scales.</param>
    /// <param name="dropout">LoRA's dropout in training, 0 to below 1.</param>
    /// <exception cref="FedLoraException"><c>tensor-missing</c>, <c>tensor-shape</c>, <c>tensor-unexpected</c>, <c>tensor-not-finite</c>,
    /// <c>adapter-module-unknown</c>.</exception>
    public AdapterBinding(Transformer model, AdapterState state, AdapterLayout layout, double dropout = 0) : this(model.Layers, state,
        layout, dropout)
    {
    }

    /// <summary>Puts an adapter on some layers.</summary>
    internal AdapterBinding(LinearLayers model, AdapterState state, AdapterLayout layout, double dropout)
    {
        _model = model;
        var hasR = state.Any(t => AdapterKey.Parse(t.Name).Factor == Factors.R);
        layout.Require(state, Factors.A | Factors.B | Factors.Head | (hasR ? Factors.R : Factors.None), "The adapter");
        state.RequireFinite();
        foreach (var module in layout.Modules)
            Attach(module, state, layout.ScaleOf(module), dropout, hasR);
        foreach (var head in layout.Heads)
            Replace(head, state);
    }

    /// <summary>The adapter's slots that belong to some factors, ordered by name.</summary>
    public IEnumerable<Slot> Slots(Factors factors) =>
        _factors.Concat(_heads).Where(s => factors.HasFlag(AdapterKey.Parse(s.Name).Factor))
            .OrderBy(s => s.Name, StringComparer.Ordinal);

    /// <summary>The whole adapter as it is now.</summary>
    public AdapterState Export()
    {
        using var off = no_grad();
        return new AdapterState(Slots(Factors.A | Factors.B | Factors.R | Factors.Head).Select(slot =>
        {
            using var scope = NewDisposeScope();
            var host = slot.Value.detach().cpu().contiguous();
            return new AdapterTensor(slot.Name, Array.ConvertAll(host.shape, size => (int)size), host.data<float>().ToArray());
        }));
    }

    /// <summary>Folds all factors into the base weights for good; head tensors stay as they are.</summary>
    public void Merge()
    {
        foreach (var projection in _model.Projections)
            projection.Merge();
        _parts.Clear();
        _factors.Clear();
    }

    public void Dispose()
    {
        foreach (var part in _parts)
        {
            part.Lora?.Dispose();
            part.Lora = null;
        }
        // The last change first: a head may have been untied from an embedding before it got a weight of its own.
        while (_undo.TryPop(out var undo))
            undo();
    }

    private void Attach(AdapterModule module, AdapterState state, double scale, double dropout, bool hasR)
    {
        var (projection, part) = _model.Find(module.Name) ?? throw Unknown(module.Name);
        if (part.DOut != module.DOut || projection.DIn != module.DIn)
            throw new FedLoraException("tensor-shape",
                $"Module '{module.Name}' is {part.DOut} x {projection.DIn} in this model, but {module.DOut} x {module.DIn} in the adapter.",
                "The adapter belongs to another base model.");
        part.Lora = new LoraFactors(Factor(Factors.A), Factor(Factors.B), hasR ? Factor(Factors.R) : null, scale, dropout);
        _parts.Add(part);
        _factors.AddRange(part.Lora.Slots);

        Slot Factor(Factors factor)
        {
            var tensor = state[new AdapterKey(module.Name, factor).Name];
            return new Slot(tensor.Name, ToTensor(tensor));
        }
    }

    private void Replace(HeadTensor head, AdapterState state)
    {
        if (_model.FindEmbedding(head.Name) is { } embedding)
        {
            Embed(embedding, state[$"base_model.model.{head.Name}"]);
            return;
        }
        var dot = head.Name.LastIndexOf('.');
        var (projection, part) = _model.Find(head.Name[..dot]) ?? throw Unknown(head.Name[..dot]);
        var old = head.Name[(dot + 1)..] switch { "weight" => projection.Weight, "bias" => projection.Bias, _ => null };
        if (old is null || projection.Parts.Count > 1)
            throw Unknown(head.Name);
        var tensor = state[$"base_model.model.{head.Name}"];
        RequireShape(tensor, old);
        if (old == projection.Weight && projection.IsTied)
        {
            projection.Untie(ToTensor(tensor));
            projection.Weight.Name = tensor.Name;
            _heads.Add(projection.Weight);
            _undo.Push(() => projection.Tie());
            return;
        }
        Put(old, tensor);
    }

    /// <summary>An embedding of the adapter's own. A head that is tied to it stays with the base model's, as with PEFT.</summary>
    private void Embed(Slot embedding, AdapterTensor tensor)
    {
        RequireShape(tensor, embedding);
        foreach (var head in _model.Projections.Where(projection => projection.IsTied && projection.Weight == embedding))
        {
            head.Untie(embedding.Value.alias().DetachFromDisposeScope());
            _undo.Push(() => head.Tie());
        }
        Put(embedding, tensor);
    }

    private static void RequireShape(AdapterTensor tensor, Slot old)
    {
        if (!Array.ConvertAll(tensor.Shape, s => (long)s).AsSpan().SequenceEqual(old.Value.shape))
            throw new FedLoraException("tensor-shape",
                $"Tensor '{tensor.Name}' has shape [{string.Join(", ", tensor.Shape)}], but this model's has "
                    + $"[{string.Join(", ", old.Value.shape)}].", "The adapter was made for other classes or another base model.");
    }

    private void Put(Slot old, AdapterTensor tensor)
    {
        var (name, before) = (old.Name, old.Value);
        _heads.Add(old);
        _undo.Push(Undo);
        (old.Name, old.Value) = (tensor.Name, ToTensor(tensor));

        void Undo()
        {
            old.Value.Dispose();
            (old.Name, old.Value) = (name, before);
        }
    }

    private Tensor ToTensor(AdapterTensor source) =>
        tensor(source.Values, Array.ConvertAll(source.Shape, s => (long)s), device: _model.Device).DetachFromDisposeScope();

    internal static FedLoraException Unknown(string module) =>
        new("adapter-module-unknown", $"The base model has no linear layer '{module}' that an adapter can change.",
            "The adapter belongs to another base model, or names a module that is not supported.");
}
