using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>
/// A step of autograd of our own. What TorchSharp's save_for_backward is given lives as long as the graph; what <see cref="Keep"/> is given
/// goes as soon as the way back has passed here, so that a pass's memory shrinks while it goes back.
/// </summary>
internal abstract class CustomFunction<T> : autograd.SingleTensorFunction<T> where T : CustomFunction<T>, new()
{
    private const string Kept = "kept";

    [ThreadStatic]
    private static bool _goesBack;

    public override string Name => typeof(T).Name;

    /// <summary>
    /// Runs forward and puts the step into the graph where any of the arguments wants a gradient; where none does, forward has no context.
    /// </summary>
    public static new Tensor apply(params object[] vars)
    {
        // For each result TorchSharp makes an empty tensor of its shape, which nobody needs.
        using var scope = NewDisposeScope();
        // Within forward the mode is off.
        _goesBack = is_grad_enabled() && vars.Any(argument => argument is Tensor { requires_grad: true });
        // Nothing goes back: the way through libtorch's graph costs more than a small step itself.
        if (!_goesBack)
            return new T().forward(null!, vars).MoveToOuterDisposeScope();
        return autograd.SingleTensorFunction<T>.apply(vars).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// In forward, once: keeps tensors for the way back, whatever becomes of these wrappers; nothing where there is none.
    /// </summary>
    protected static void Keep(autograd.AutogradContext context, params Tensor[] tensors)
    {
        if (_goesBack)
            context.save_data(Kept, Array.ConvertAll(tensors, tensor => tensor.detach().DetachFromDisposeScope()));
    }

    /// <summary>In forward: keeps something else, likewise.</summary>
    protected static void Note(autograd.AutogradContext context, string name, object value)
    {
        if (_goesBack)
            context.save_data(name, value);
    }

    /// <summary>In backward, once: what was kept; it goes with the scope.</summary>
    protected static Tensor[] Take(autograd.AutogradContext context, DisposeScope scope)
    {
        var kept = (Tensor[])context.get_data(Kept);
        scope.Attach(kept);
        return kept;
    }
}
