using FedLora.Training.Models;
using TorchSharp.Modules;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>Activations by name.</summary>
internal static class Activations
{
    public static Tensor Apply(Activation activation, Tensor x) => activation switch
    {
        Activation.Gelu => nn.functional.gelu(x),
        Activation.GeluTanh => nn.functional.gelu(x, GELU.Approximate.tanh),
        Activation.QuickGelu => x.mul(sigmoid(x.mul(Held(1.702)))),
        Activation.Silu => nn.functional.silu(x),
        Activation.Relu => nn.functional.relu(x),
        Activation.Tanh => tanh(x),
        _ => throw new ArgumentOutOfRangeException(nameof(activation)),
    };
}
