using FedLora.Training.Kernels;
using FedLora.Training.Lora;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>One linear layer within a <see cref="Projection"/>.</summary>
/// <param name="name">Dotted path.</param>
/// <param name="offset">Its first row in the fused weight.</param>
/// <param name="dOut">How many rows it has.</param>
public sealed class LinearPart(string name, int offset, int dOut)
{
    public string Name { get; } = name;

    public int Offset { get; } = offset;

    public int DOut { get; } = dOut;

    /// <summary>Its factors, or null where it has none.</summary>
    public LoraFactors? Lora { get; set; }
}

/// <summary>
/// Linear layers that share their input, as one product: y = x W^T + b with the parts' rows below each other in W. Each part may carry
/// LoRA factors; the whole may be trainable.
/// </summary>
public sealed class Projection(IReadOnlyList<LinearPart> parts, Slot weight, Slot? bias, bool tied = false) : IDisposable
{
    private readonly Slot _stored = weight;
    private readonly (Tensor Weight, Tensor? Bias) _first = (weight.Value, bias?.Value);

    public IReadOnlyList<LinearPart> Parts { get; } = parts;

    /// <summary>d_out x d_in, all parts below each other.</summary>
    public Slot Weight { get; private set; } = weight;

    /// <summary>Whether its weight is the word embedding too: what changes the layer alone must <see cref="Untie"/> it first.</summary>
    public bool IsTied => tied && Weight == _stored;

    public Slot? Bias { get; } = bias;

    public int DIn => (int)Weight.Value.shape[1];

    /// <summary>What may be trained: the weight, the bias, the factors.</summary>
    public IEnumerable<Slot> Slots =>
        [Weight, .. Bias is null ? Array.Empty<Slot>() : [Bias], .. Parts.SelectMany(p => p.Lora?.Slots ?? [])];

    /// <summary>Applies it.</summary>
    /// <param name="x">rows x d_in, float32 or the weight's type.</param>
    /// <param name="pass">The pass it belongs to.</param>
    /// <param name="rows">How many rows each example has.</param>
    /// <param name="result">Type of the result: float32, or the weight's.</param>
    /// <returns>rows x d_out.</returns>
    public Tensor Forward(Tensor x, Pass pass, IReadOnlyList<int> rows, ScalarType result = ScalarType.Float32)
    {
        if (pass.Members is { } members && !members.All(member => member.Layers![this].IsBare))
            return MembersFunction.Apply(x, this, pass, rows, result);
        if (pass.Cache is not null && x.shape[0] == 1 && !is_grad_enabled() && HostMemory.CanRead(Weight.Value))
            return Single(x);
        var leaves = Slots.Where(s => s.IsTrainable).ToArray();
        if (!is_grad_enabled() && Parts.All(p => p.Lora is null))
            return Plain(x, result);
        return ProjectionFunction.apply([x, this, pass, rows, leaves, result, .. leaves.Select(s => s.Value)]);
    }

    /// <summary>The product for one row, factors included, in float32 whatever the weight's type: generation's every step.</summary>
    private unsafe Tensor Single(Tensor x)
    {
        using var scope = NewDisposeScope();
        var row = x.to(ScalarType.Float32).contiguous();
        var y = RowKernel.Linear(Weight.Value, row, Bias?.Value);
        foreach (var part in Parts)
        {
            if (part.Lora is not { } lora)
                continue;
            var reduced = RowKernel.Linear(lora.A.Value, row, null);
            if (lora.R is { } middle)
                reduced = RowKernel.Linear(middle.Value, reduced, null);
            RowKernel.Add(HostMemory.Floats(y) + part.Offset, lora.B.Value, HostMemory.Floats(reduced), (float)lora.Scale);
        }
        return y.MoveToOuterDisposeScope();
    }

    /// <summary>The product with the base weight alone, outside autograd.</summary>
    internal Tensor Plain(Tensor x, ScalarType result)
    {
        if (Weight.Value.dtype == ScalarType.Float32)
            return Products.Linear(x, Weight.Value, Bias?.Value);
        using var narrow = x.to(Weight.Value.dtype);
        using var product = nn.functional.linear(narrow, Weight.Value);
        return Biased(product, result);
    }

    /// <summary>A product of the weight's type plus the bias, in the type of the result; the product may become it.</summary>
    internal Tensor Biased(Tensor product, ScalarType result)
    {
        if (Bias is null)
            return product.to(result);
        if (HostMemory.CanRead(product))
            return BiasKernel.Add(product, Bias.Value, result);
        using var wide = product.to(ScalarType.Float32);
        using var sum = wide.SumWith(Bias.Value);
        return sum.to(result);
    }

    /// <summary>
    /// The same layer for one of several nodes that go through a model together: it shares weight and bias until they are replaced, and
    /// takes factors of its own.
    /// </summary>
    internal Projection StandIn() =>
        new([.. Parts.Select(part => new LinearPart(part.Name, part.Offset, part.DOut))], Shared(Weight),
            Bias is null ? null : Shared(Bias), tied);

    /// <summary>Whether weight and bias are those that it was made with.</summary>
    internal bool IsShared => ReferenceEquals(Weight.Value, _first.Weight) && ReferenceEquals(Bias?.Value, _first.Bias);

    /// <summary>Whether nothing is on it.</summary>
    internal bool IsBare => IsShared && Parts.All(part => part.Lora is null);

    private static Slot Shared(Slot slot) => new(slot.Name, slot.Value.alias().DetachFromDisposeScope());

    /// <summary>A part's rows of W, as a view.</summary>
    public Tensor WeightOf(LinearPart part) => Weight.Value.narrow(0, part.Offset, part.DOut);

    /// <summary>The checkpoint's name for a part's rows.</summary>
    internal string StoredAs(LinearPart part) => tied ? _stored.Name : $"{part.Name}.weight";

    /// <summary>Gives a tied layer a weight of its own, as PEFT does for a head that it changes; the embedding stays what it was.</summary>
    /// <param name="own">The weight, whose owner it becomes; null for a copy of the embedding.</param>
    internal void Untie(Tensor? own = null)
    {
        using var off = no_grad();
        Weight = new Slot($"{Parts[0].Name}.weight", own ?? _stored.Value.detach().clone().DetachFromDisposeScope());
    }

    /// <summary>Undoes <see cref="Untie"/>.</summary>
    /// <returns>Whether the layer is tied now.</returns>
    internal bool Tie()
    {
        if (Weight != _stored)
            Weight.Dispose();
        Weight = _stored;
        return tied;
    }

    /// <summary>Folds every part's factors into the weight, W += s B R A, and drops them.</summary>
    public void Merge()
    {
        using var off = no_grad();
        if (IsTied && Parts.Any(p => p.Lora is not null))
            Untie();
        foreach (var part in Parts.Where(p => p.Lora is not null))
        {
            using var scope = NewDisposeScope();
            WeightOf(part).Plus(LoraProduct.Of(part.Lora!).to(Weight.Value.dtype));
            part.Lora!.Dispose();
            part.Lora = null;
        }
    }

    public void Dispose()
    {
        foreach (var slot in Slots)
            slot.Dispose();
    }
}
