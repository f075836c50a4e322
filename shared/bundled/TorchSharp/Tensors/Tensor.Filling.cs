using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor normal_(double mean = 0.0, double std = 1.0, Generator? generator = null) => Aten.InPlace("normal_", this, mean, std, generator);

        public Tensor uniform_(double from, double to, Generator? generator = null) => Aten.InPlace("uniform_", this, from, to, generator);

        public Tensor bernoulli(Generator? generator = null) => Aten.Call("bernoulli", this, generator);

        public Tensor bernoulli_(double p = 0.5, Generator? generator = null) => Aten.InPlace("bernoulli_.float", this, p, generator);

        public Tensor exponential_(double lambda = 1.0, Generator? generator = null) => Aten.InPlace("exponential_", this, lambda, generator);

        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null) => Aten.Call("multinomial", this, num_samples, replacement, generator);

        public Tensor rand_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Aten.Call("rand_like", this, dtype, Arg.None, device).Graded(requires_grad);

        public Tensor randn_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Aten.Call("randn_like", this, dtype, Arg.None, device).Graded(requires_grad);

        public Tensor zeros_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Aten.Call("zeros_like", this, dtype, Arg.None, device).Graded(requires_grad);

        public Tensor ones_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Aten.Call("ones_like", this, dtype, Arg.None, device).Graded(requires_grad);

        public Tensor empty_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Aten.Call("empty_like", this, dtype, Arg.None, device).Graded(requires_grad);

        public Tensor full_like(Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Aten.Call("full_like", this, value, dtype, Arg.None, device).Graded(requires_grad);

        public Tensor new_zeros(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Aten.Call("new_zeros", this, size, dtype, Arg.None, device).Graded(requires_grad);

        public Tensor new_empty(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Aten.Call("new_empty", this, size, dtype, Arg.None, device).Graded(requires_grad);

        internal Tensor Graded(bool requiresGrad) => requiresGrad ? requires_grad_() : this;
    }
}
