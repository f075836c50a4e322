using FedLora.Training.Libtorch;
using TorchSharp;

namespace FedLora.Training.Models;

/// <summary>Where tensors lie.</summary>
public static class Devices
{
    /// <summary>Which device a model is computed on, and why not on the other; one line.</summary>
    /// <param name="name"><c>cpu</c>, <c>cuda</c>, or <c>auto</c>: the GPU where there is one.</param>
    /// <exception cref="FedLoraException"><c>device-missing</c>, <c>libtorch-missing</c>, ...</exception>
    public static string Explain(string name)
    {
        var device = Open(name);
        if (device.type == DeviceType.CUDA)
            return "computes on the GPU";
        if (name == "cpu")
            return "computes on the CPU, as asked";
        return LibtorchLoader.HasCuda ? "computes on the CPU: no CUDA device answers here"
            : "computes on the CPU: this libtorch is for the CPU alone (build with -p:Libtorch=cuda for a GPU)";
    }

    /// <exception cref="FedLoraException"><c>device-missing</c>.</exception>
    internal static torch.Device Open(string name)
    {
        LibtorchLoader.EnsureLoaded();
        if (name == "cpu")
            return torch.CPU;
        if (name is not ("cuda" or "auto"))
            throw new FedLoraException("device-missing", $"'{name}' is no device.", "Known: cpu, cuda, auto.");
        var available = torch.cuda.is_available();
        if (name == "cuda" && !available)
            throw new FedLoraException("device-missing", "This machine has no CUDA device, or libtorch was built without CUDA.",
                "Use --device cpu, or point LIBTORCH to a libtorch with CUDA.");
        return available ? torch.CUDA : torch.CPU;
    }
}
