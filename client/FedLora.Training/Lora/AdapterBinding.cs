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
    private readonly List<(Slot Slot, Action Undo)> _heads = [];
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
        _factors.Concat(_heads.Select(h => h.Slot)).Where(s => factors.HasFlag(AdapterKey.Parse(s.Name).Factor))
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
        _heads.ForEach(head => head.Undo());
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
        var dot = head.Name.LastIndexOf('.');
        var (projection, part) = _model.Find(head.Name[..dot]) ?? throw Unknown(head.Name[..dot]);
        var old = head.Name[(dot + 1)..] switch { "weight" => projection.Weight, "bias" => projection.Bias, _ => null };
        if (old is null || projection.Parts.Count > 1)
            throw Unknown(head.Name);
        var tensor = state[$"base_model.model.{head.Name}"];
        if (!Array.ConvertAll(tensor.Shape, s => (long)s).AsSpan().SequenceEqual(old.Value.shape))
            throw new FedLoraException("tensor-shape",
                $"Tensor '{tensor.Name}' has shape [{string.Join(", ", tensor.Shape)}], but this model's has "
                    + $"[{string.Join(", ", old.Value.shape)}].", "The adapter was made for other classes or another base model.");
        if (old == projection.Weight && projection.IsTied)
        {
            projection.Untie(ToTensor(tensor));
            projection.Weight.Name = tensor.Name;
            _heads.Add((projection.Weight, () => projection.Tie()));
            return;
        }
        var (name, before) = (old.Name, old.Value);
        _heads.Add((old, Undo));
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
