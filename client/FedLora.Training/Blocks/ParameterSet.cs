using FedLora.Adapters;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>
/// What is trained: all trainable tensors as leaves over one flat float32 vector, their gradients over another. So an optimiser's step,
/// a norm or a noise is a handful of operations, however many tensors there are.
/// </summary>
public sealed class ParameterSet : IDisposable
{
    private readonly List<(Slot Slot, Tensor Gradient)> _entries = [];

    /// <summary>Makes slots trainable; their present values are copied.</summary>
    /// <param name="slots">In the order they shall have in <see cref="Values"/>.</param>
    /// <param name="device">Where they lie.</param>
    public ParameterSet(IEnumerable<Slot> slots, Device device)
    {
        using var off = no_grad();
        var all = slots.ToArray();
        Count = all.Sum(s => s.Value.numel());
        Values = empty([Count], dtype: ScalarType.Float32, device: device).DetachFromDisposeScope();
        Gradient = zeros([Count], dtype: ScalarType.Float32, device: device).DetachFromDisposeScope();
        var offset = 0L;
        foreach (var slot in all)
        {
            using var scope = NewDisposeScope();
            var (shape, length) = (slot.Value.shape, slot.Value.numel());
            var place = Values.narrow(0, offset, length).view(shape);
            place.copy_(slot.Value);
            slot.Value.Dispose();
            slot.Value = place.detach().requires_grad_().DetachFromDisposeScope();
            var gradient = Gradient.narrow(0, offset, length).view(shape).DetachFromDisposeScope();
            slot.Value.grad = gradient;
            _entries.Add((slot, gradient));
            offset += length;
        }
    }

    /// <summary>How many numbers are trained.</summary>
    public long Count { get; }

    /// <summary>All trainable numbers; changing it changes the tensors.</summary>
    public Tensor Values { get; }

    /// <summary>All gradients; a backward pass adds to it.</summary>
    public Tensor Gradient { get; }

    /// <summary>The trainable slots, in order, with their place in <see cref="Gradient"/> as tensors of their shape.</summary>
    public IReadOnlyList<(Slot Slot, Tensor Gradient)> Entries => _entries;

    /// <summary>Sets all gradients to zero.</summary>
    public void ClearGradient() => Gradient.zero_();

    /// <summary>The trainable tensors as they are now.</summary>
    public AdapterState Export()
    {
        using var off = no_grad();
        using var host = Values.cpu();
        var values = host.data<float>().ToArray();
        var tensors = new List<AdapterTensor>(_entries.Count);
        var offset = 0;
        foreach (var (slot, _) in _entries)
        {
            var shape = Array.ConvertAll(slot.Value.shape, size => (int)size);
            var length = AdapterTensor.Count(shape);
            tensors.Add(new AdapterTensor(slot.Name, shape, values[offset..(offset + length)]));
            offset += length;
        }
        return new AdapterState(tensors);
    }

    /// <summary>Makes the tensors frozen again, with the values they have now.</summary>
    public void Dispose()
    {
        using var off = no_grad();
        foreach (var (slot, gradient) in _entries)
        {
            using var scope = NewDisposeScope();
            var trained = slot.Value;
            slot.Value = trained.detach().clone().DetachFromDisposeScope();
            trained.grad = null;
            trained.Dispose();
            gradient.Dispose();
        }
        _entries.Clear();
        Values.Dispose();
        Gradient.Dispose();
    }
}
