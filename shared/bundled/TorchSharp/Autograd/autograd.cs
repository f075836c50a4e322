using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        /// <summary>The gradients of outputs by inputs, without touching anyone's <c>grad</c>.</summary>
        public static unsafe IList<Tensor> grad(
            IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null, bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            var (outs, ins, grads) = (Handles.Of(outputs), Handles.Of(inputs), Handles.Of(grad_outputs));
            var results = new nint[ins.Length];
            fixed (nint* o = outs, i = ins, g = grads, r = results)
                Aten.Check(Native.shim_gradients(o, outs.Length, i, ins.Length, g, grads.Length, retain_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, r));
            Keep(outputs, inputs, grad_outputs);
            return results.Select(handle => new Tensor(handle)).ToList();
        }

        /// <summary>Adds the gradients of tensors to the <c>grad</c> of every leaf they depend on (or of inputs only).</summary>
        public static unsafe void backward(
            IList<Tensor> tensors, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null)
        {
            var (roots, grads, ins) = (Handles.Of(tensors), Handles.Of(grad_tensors), Handles.Of(inputs));
            fixed (nint* t = roots, g = grads, i = ins)
                Aten.Check(Native.shim_backward(t, roots.Length, g, grads.Length, retain_graph ?? create_graph ? 1 : 0, create_graph ? 1 : 0, i, ins.Length));
            Keep(tensors, grad_tensors, inputs);
        }

        public static void backward(Tensor tensor, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(Tensor tensor, Tensor grad_tensor, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], [grad_tensor], retain_graph, create_graph, inputs);

        public static AnomalyMode detect_anomaly(bool check_nan = true) => new(true, check_nan);

        public static AnomalyMode set_detect_anomaly(bool mode, bool check_nan = true) => new(mode, check_nan);

        private static void Keep(params ReadOnlySpan<IList<Tensor>?> lists)
        {
            foreach (var list in lists)
                GC.KeepAlive(list);
        }
    }
}
