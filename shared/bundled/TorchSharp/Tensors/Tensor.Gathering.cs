using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor index_select(long dim, Tensor index) => Aten.Call("index_select", this, dim, index);

        public Tensor gather(long dim, Tensor index) => Aten.Call("gather", this, dim, index);

        public Tensor take(Tensor index) => Aten.Call("take", this, index);

        public Tensor take_along_dim(Tensor indices) => Aten.Call("take_along_dim", this, indices);

        public Tensor take_along_dim(Tensor indices, long dim) => Aten.Call("take_along_dim", this, indices, dim);

        public Tensor scatter(long dim, Tensor index, Tensor src) => Aten.Call("scatter.src", this, dim, index, src);

        public Tensor scatter_add(long dim, Tensor index, Tensor src) => Aten.Call("scatter_add", this, dim, index, src);

        public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) => Aten.Call("index_add", this, dim, index, source, alpha);

        public Tensor index_copy(long dim, Tensor index, Tensor source) => Aten.Call("index_copy", this, dim, index, source);

        public Tensor index_fill(long dim, Tensor index, Scalar value) => Aten.Call("index_fill.int_Scalar", this, dim, index, value);

        public Tensor masked_fill(Tensor mask, Scalar value) => Aten.Call("masked_fill.Scalar", this, mask, value);

        public Tensor masked_scatter(Tensor mask, Tensor value) => Aten.Call("masked_scatter", this, mask, value);

        public Tensor scatter_(long dim, Tensor index, Tensor src) => Aten.InPlace("scatter_.src", this, dim, index, src);

        public Tensor scatter_add_(long dim, Tensor index, Tensor src) => Aten.InPlace("scatter_add_", this, dim, index, src);

        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) => Aten.InPlace("index_add_", this, dim, index, source, alpha);

        public Tensor index_copy_(long dim, Tensor index, Tensor source) => Aten.InPlace("index_copy_", this, dim, index, source);

        public Tensor index_fill_(long dim, Tensor index, Scalar value) => Aten.InPlace("index_fill_.int_Scalar", this, dim, index, value);

        public Tensor masked_fill_(Tensor mask, Scalar value) => Aten.InPlace("masked_fill_.Scalar", this, mask, value);

        public Tensor masked_scatter_(Tensor mask, Tensor value) => Aten.InPlace("masked_scatter_", this, mask, value);

        public Tensor masked_select(Tensor mask) => Aten.Call("masked_select", this, mask);

        public Tensor nonzero() => Aten.Call("nonzero", this);

        public Tensor argwhere() => Aten.Call("argwhere", this);

        public Tensor where(Tensor condition, Tensor y) => Aten.Call("where.self", condition, this, y);

        public Tensor index(params Tensor[] indices) => Aten.Call("index.Tensor", this, Arg.Optional(indices));

        public Tensor index_put_(Tensor value, params Tensor[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) => Aten.InPlace("index_put_", this, Arg.Optional(indices), value, accumulate);

        public Tensor index_put_(Scalar value, params Tensor[] indices)
        {
            using var filled = full([], value, dtype, device);
            return index_put_(filled, indices, false);
        }
    }
}
