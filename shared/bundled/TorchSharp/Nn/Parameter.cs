namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static Modules.Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);

        public static partial class utils
        {
            /// <summary>Scales all gradients together so that their norm is at most max_norm; gives the norm before.</summary>
            public static double clip_grad_norm_(IEnumerable<Modules.Parameter> tensors, double max_norm, double norm_type = 2)
            {
                using var scope = NewDisposeScope();
                using var constant = no_grad();
                var gradients = tensors.Select(tensor => tensor.grad).OfType<Tensor>().ToList();
                if (gradients.Count == 0)
                    return 0;
                var norm = (double)stack(gradients.Select(gradient => gradient.norm((float)norm_type))).norm((float)norm_type);
                var factor = max_norm / (norm + 1e-6);
                if (factor < 1)
                    gradients.ForEach(gradient => gradient.mul_(factor));
                return norm;
            }

            public static void clip_grad_value_(IEnumerable<Modules.Parameter> tensors, double clip_value)
            {
                using var scope = NewDisposeScope();
                using var constant = no_grad();
                foreach (var tensor in tensors)
                    tensor.grad?.clamp_(-clip_value, clip_value);
            }
        }
    }
}
