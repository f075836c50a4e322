using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Lora;

/// <summary>Products of factors.</summary>
internal static class LoraProduct
{
    /// <summary>s B R, d_out x r: what the reduced input A x is multiplied with.</summary>
    public static Tensor Left(LoraFactors factors)
    {
        using var scope = NewDisposeScope();
        var left = factors.R is null ? factors.B.Value.detach() : factors.B.Value.detach().mm(factors.R.Value.detach());
        return left.mul(Held(factors.Scale)).MoveToOuterDisposeScope();
    }

    /// <summary>s B R A, d_out x d_in.</summary>
    public static Tensor Of(LoraFactors factors)
    {
        using var left = Left(factors);
        return left.mm(factors.A.Value);
    }
}
