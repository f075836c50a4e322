using FedLora.Training.Libtorch;
using TorchSharp;

namespace FedLora.Training.Models;

/// <summary>Where tensors lie.</summary>
internal static class Devices
{
    /// <exception cref="FedLoraException"><c>device-missing</c>.</exception>
    public static torch.Device Open(string name)
    {
        LibtorchLoader.EnsureLoaded();
        if (name == "cpu")
            return torch.CPU;
        if (name is not ("cuda" or "auto"))
            throw new FedLoraException("device-missing", $"'{name}' is no device.", "Known: cpu, cuda, auto.");
        var available = torch.cuda.is_available();
        if (name == "cuda" && !available)
            throw new FedLoraException("device-missing", "This machine has no CUDA device, or libtorch was built without CUDA.", "Use --device cpu, or point LIBTORCH to a libtorch with CUDA.");
        return available ? torch.CUDA : torch.CPU;
    }
}
