using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>
/// Gradients that a custom function returns belong to the engine once it has taken them, which it has when it calls the next function.
/// Until the step's scope ends their wrappers would keep them alive, and with them a whole pass's memory; so the next call lets go of them.
/// </summary>
internal static class Handover
{
    [ThreadStatic]
    private static List<Tensor>? _returned;

    /// <summary>Disposes what the previous function returned, and remembers what this one returns.</summary>
    public static List<Tensor> Return(List<Tensor> gradients)
    {
        Clear();
        _returned = gradients;
        foreach (var gradient in gradients)
            gradient?.DetachFromDisposeScope();
        return gradients;
    }

    /// <summary>After a backward pass.</summary>
    public static void Clear()
    {
        if (_returned is { } last)
        {
            foreach (var gradient in last)
                gradient?.Dispose();
        }
        _returned = null;
    }
}
