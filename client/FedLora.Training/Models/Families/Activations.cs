namespace FedLora.Training.Models.Families;

/// <summary>What configs call activations.</summary>
internal static class Activations
{
    public static Activation Read(ConfigJson config, string key, string otherwise) => (config.Text(key) ?? otherwise) switch
    {
        "gelu" => Activation.Gelu,
        "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" => Activation.GeluTanh,
        "quick_gelu" => Activation.QuickGelu,
        "silu" or "swish" => Activation.Silu,
        "relu" => Activation.Relu,
        "tanh" => Activation.Tanh,
        var other =>
            throw config.Invalid(
                $"has the activation '{other}', which is not known (gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, silu, relu, tanh)"),
    };
}
