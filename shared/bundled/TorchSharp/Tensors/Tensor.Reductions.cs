using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor sum(ScalarType? type = null) => Aten.Call("sum", this, type);

        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) => Aten.Call("sum.dim_IntList", this, dim, keepdim, type);

        public Tensor sum(ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null) => Aten.Call("sum.dim_IntList", this, dim, keepdim, type);

        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => sum([dim], keepdim, type);

        public Tensor sum(long dim0, long dim1, bool keepdim = false, ScalarType? type = null) => sum([dim0, dim1], keepdim, type);

        public Tensor sum(long dim0, long dim1, long dim2, bool keepdim = false, ScalarType? type = null) => sum([dim0, dim1, dim2], keepdim, type);

        public Tensor mean() => Aten.Call("mean", this);

        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) => Aten.Call("mean.dim", this, dimensions, keepdim, type);

        public Tensor prod(ScalarType? type = null) => Aten.Call("prod", this, type);

        public Tensor prod(long dim, bool keepdim = false, ScalarType? type = null) => Aten.Call("prod.dim_int", this, dim, keepdim, type);

        public Tensor std(bool unbiased = true) => Aten.Call("std", this, unbiased);

        public Tensor var(bool unbiased = true) => Aten.Call("var", this, unbiased);

        public Tensor std(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => Aten.Call("std.dim", Typed(type), dimensions, unbiased, keepdim);

        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => Aten.Call("var.dim", Typed(type), dimensions, unbiased, keepdim);

        public Tensor std(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std([dim], unbiased, keepdim, type);

        public Tensor var(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var([dim], unbiased, keepdim, type);

        public Tensor norm(float p = 2.0f) => Aten.Call("norm.Scalar", this, (Scalar)p);

        public Tensor norm(int dim, bool keepdim = false, float p = 2.0f) => Aten.Call("norm.ScalarOpt_dim", this, (Scalar)p, new long[] { dim }, keepdim);

        public Tensor max() => Aten.Call("max", this);

        public Tensor max(Tensor other) => Aten.Call("max.other", this, other);

        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => Aten.Call2("max.dim", this, dim, keepdim);

        public Tensor min() => Aten.Call("min", this);

        public Tensor min(Tensor other) => Aten.Call("min.other", this, other);

        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) => Aten.Call2("min.dim", this, dim, keepdim);

        public Tensor amax(params long[] dims) => Aten.Call("amax", this, dims);

        public Tensor amax(long[] dims, bool keepdim = false, Tensor? @out = null) => Extreme("amax", dims, keepdim, @out);

        public Tensor amin(params long[] dims) => Aten.Call("amin", this, dims);

        public Tensor amin(long[] dims, bool keepdim = false, Tensor? @out = null) => Extreme("amin", dims, keepdim, @out);

        public Tensor argmax() => Aten.Call("argmax", this);

        public Tensor argmax(long dim, bool keepdim = false) => Aten.Call("argmax", this, dim, keepdim);

        public Tensor argmin() => Aten.Call("argmin", this);

        public Tensor argmin(long dim, bool keepdim = false) => Aten.Call("argmin", this, dim, keepdim);

        public Tensor any() => Aten.Call("any", this);

        public Tensor any(long dim, bool keepdim = false) => Aten.Call("any.dim", this, dim, keepdim);

        public Tensor all() => Aten.Call("all", this);

        public Tensor all(long dim, bool keepdim = false) => Aten.Call("all.dim", this, dim, keepdim);

        public Tensor logsumexp(long dim, bool keepdim = false) => Aten.Call("logsumexp", this, new long[] { dim }, keepdim);

        public Tensor cumsum(long dim, ScalarType? type = null) => Aten.Call("cumsum", this, dim, type);

        public Tensor cumprod(long dim, ScalarType? type = null) => Aten.Call("cumprod", this, dim, type);

        public Tensor median() => Aten.Call("median", this);

        public Tensor count_nonzero(long[]? dims = null) => dims is null ? Aten.Call("count_nonzero", this, Arg.None) : Aten.Call("count_nonzero.dim_IntList", this, dims);

        public Tensor bincount(Tensor? weights, long minlength = 0) => Aten.Call("bincount", this, weights, minlength);

        public Tensor trace() => Aten.Call("trace", this);

        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) => Aten.Call2("topk", this, (long)k, (long)dim, largest, sorted);

        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false, bool stable = false) => Aten.Call2("sort.stable", this, stable, dim, descending);

        public Tensor argsort(long dim = -1, bool descending = false) => Aten.Call("argsort", this, dim, descending);

        public Tensor softmax(long dim, ScalarType? dtype = null) => Aten.Call("softmax.int", this, dim, dtype);

        public Tensor log_softmax(long dim, ScalarType? dtype = null) => Aten.Call("log_softmax.int", this, dim, dtype);

        private Tensor Extreme(string name, long[] dims, bool keepdim, Tensor? @out)
        {
            if (@out is null)
                return Aten.Call(name, this, dims, keepdim);
            Aten.Run(name + ".out", this, dims, keepdim, @out);
            return @out;
        }

        private Tensor Typed(ScalarType? type) => type is { } wanted && wanted != dtype ? to_type(wanted) : this;
    }
}
