namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        /// <summary>
        /// An operation with a hand-written gradient. <c>forward</c> runs without recording; <c>backward</c> gives one gradient per
        /// argument of <c>apply</c>, null for arguments that are no tensors or need none.
        /// </summary>
        public abstract class Function<T> where T : Function<T>, new()
        {
            internal static T Instance { get; } = new();

            public abstract string Name { get; }

            public static List<Tensor> apply_internal(params object[] vars)
            {
                var inputs = vars.OfType<Tensor>().Where(tensor => !tensor.IsInvalid).ToList();
                var recorded = AutoGradMode.IsEnabled && inputs.Exists(tensor => tensor.requires_grad);
                var context = new AutogradContext(Instance.Name, [.. vars.Select(value => value is Tensor { IsInvalid: false })], Instance.backward_internal);
                List<Tensor> outputs;
                using (new AutoGradMode(false))
                    outputs = Instance.forward_internal(context, vars);
                return context.Wrap(inputs, outputs, recorded);
            }

            internal abstract List<Tensor> forward_internal(AutogradContext ctx, params object[] vars);

            internal abstract List<Tensor> backward_internal(AutogradContext ctx, List<Tensor> grad_outputs);
        }

        /// <summary>A <see cref="Function{T}"/> with one result.</summary>
        public abstract class SingleTensorFunction<T> : Function<T> where T : SingleTensorFunction<T>, new()
        {
            public static Tensor apply(params object[] vars) => apply_internal(vars)[0];

            public abstract Tensor forward(AutogradContext ctx, params object[] vars);

            public abstract List<Tensor> backward(AutogradContext ctx, Tensor grad_output);

            internal sealed override List<Tensor> forward_internal(AutogradContext ctx, params object[] vars) => [forward(ctx, vars)];

            internal sealed override List<Tensor> backward_internal(AutogradContext ctx, List<Tensor> grad_outputs) => backward(ctx, grad_outputs[0]);
        }

        /// <summary>A <see cref="Function{T}"/> with several results.</summary>
        public abstract class MultiTensorFunction<T> : Function<T> where T : MultiTensorFunction<T>, new()
        {
            public static List<Tensor> apply(params object[] vars) => apply_internal(vars);

            public abstract List<Tensor> forward(AutogradContext ctx, params object[] vars);

            public abstract List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs);

            internal sealed override List<Tensor> forward_internal(AutogradContext ctx, params object[] vars) => forward(ctx, vars);

            internal sealed override List<Tensor> backward_internal(AutogradContext ctx, List<Tensor> grad_outputs) => backward(ctx, grad_outputs);
        }
    }
}
