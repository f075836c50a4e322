using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

internal static class SavedTensors
{
    /// <summary>Saves tensors that were made within a forward's own scope: they are read only after it has returned, so they move out.</summary>
    public static void Save(this autograd.AutogradContext context, params Tensor[] tensors)
    {
        foreach (var tensor in tensors)
            tensor.MoveToOuterDisposeScope();
        context.save_for_backward([.. tensors]);
    }
}
