using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public bool is_leaf => Native.shim_is_leaf(Handle) != 0;

        public bool requires_grad
        {
            get => Native.shim_requires_grad(Handle) != 0;
            set => Aten.Check(Native.shim_set_requires_grad(Handle, value ? 1 : 0));
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        /// <summary>The gradient gathered so far, null for none. Each reading makes a new reference to the same memory.</summary>
        public Tensor? grad
        {
            get
            {
                Aten.Check(Native.shim_grad(Handle, out var gradient));
                return gradient == 0 ? null : new Tensor(gradient);
            }
            set => Aten.Check(Native.shim_set_grad(Handle, value is null ? 0 : value.Handle));
        }

        public void retain_grad() => Aten.Check(Native.shim_retain_grad(Handle));

        public void backward() => autograd.backward([this]);

        public void backward(IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor>? inputs = null) =>
            autograd.backward([this], grad_tensors, retain_graph, create_graph, inputs);

        public Tensor detach() => Aten.Call("detach", this);

        public Tensor detach_() => Aten.InPlace("detach_", this);
    }
}
