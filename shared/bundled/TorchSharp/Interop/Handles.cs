using static TorchSharp.torch;

namespace TorchSharp.Interop;

internal static class Handles
{
    /// <summary>The handles of tensors, in order; a null or disposed tensor gives 0. The caller keeps the tensors alive.</summary>
    internal static nint[] Of(IEnumerable<Tensor?>? tensors) =>
        tensors is null ? [] : [.. tensors.Select(tensor => tensor is null || tensor.IsInvalid ? 0 : tensor.Handle)];
}
