using TorchSharp.Interop;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>A tensor that an optimiser changes. It takes the place of the data it is made of, which becomes empty.</summary>
public class Parameter : Tensor
{
    public Parameter(Tensor data, bool requires_grad = true) : base(Taken(data, requires_grad), register: false)
    {
        var scope = data.OwningDisposeScope;
        data.Dispose();
        scope?.Attach(this);
    }

    private static nint Taken(Tensor data, bool requiresGrad) => Native.shim_tensor_alias(data.requires_grad_(requiresGrad).Handle);
}

public sealed class GELU
{
    private GELU()
    {
    }

    /// <summary>The two forms of the Gaussian error linear unit.</summary>
    public enum Approximate
    {
        none,
        tanh,
    }
}
