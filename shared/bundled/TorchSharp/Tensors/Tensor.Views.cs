using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor view(params long[] shape) => Aten.Call("view", this, shape);

        public Tensor view_as(Tensor other) => Aten.Call("view_as", this, other);

        public Tensor reshape(params long[] shape) => Aten.Call("reshape", this, shape);

        public Tensor flatten(long start_dim = 0, long end_dim = -1) => Aten.Call("flatten.using_ints", this, start_dim, end_dim);

        public Tensor unflatten(long dim, params long[] sizes) => Aten.Call("unflatten.int", this, dim, sizes);

        public Tensor transpose(long dim0, long dim1) => Aten.Call("transpose.int", this, dim0, dim1);

        public Tensor transpose_(long dim0, long dim1) => Aten.InPlace("transpose_", this, dim0, dim1);

        public Tensor t() => Aten.Call("t", this);

        public Tensor T => Aten.Call("numpy_T", this);

        public Tensor mT => Aten.Call("mT", this);

        public Tensor permute(params long[] permutation) => Aten.Call("permute", this, permutation);

        public Tensor permute(IEnumerable<long> permutation) => permute(permutation.ToArray());

        public Tensor unsqueeze(long dim) => Aten.Call("unsqueeze", this, dim);

        public Tensor unsqueeze_(long dim) => Aten.InPlace("unsqueeze_", this, dim);

        public Tensor squeeze(long? dim = null) => dim is { } given ? Aten.Call("squeeze.dim", this, given) : Aten.Call("squeeze", this);

        public Tensor squeeze_(long? dim = null) => dim is { } given ? Aten.InPlace("squeeze_.dim", this, given) : Aten.InPlace("squeeze_", this);

        public Tensor expand(ReadOnlySpan<long> sizes, bool isImplicit = false) => Aten.Call("expand", this, sizes, isImplicit);

        public Tensor expand(Size sizes, bool isImplicit = false) => Aten.Call("expand", this, sizes.Shape, isImplicit);

        public Tensor expand(long[] sizes, bool isImplicit = false) => Aten.Call("expand", this, sizes, isImplicit);

        public Tensor expand(params long[] sizes) => Aten.Call("expand", this, sizes);

        public Tensor expand_as(Tensor other) => Aten.Call("expand_as", this, other);

        public Tensor broadcast_to(params long[] shape) => Aten.Call("broadcast_to", this, shape);

        public Tensor repeat(params long[] sizes) => Aten.Call("repeat", this, sizes);

        public Tensor repeat_interleave(Tensor repeats, long? dim = null, long? output_size = null) => Aten.Call("repeat_interleave.self_Tensor", this, repeats, dim, output_size);

        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) => Aten.Call("repeat_interleave.self_int", this, repeats, dim, output_size);

        public Tensor tile(long[] reps) => Aten.Call("tile", this, reps);

        public Tensor narrow(long dim, long start, long length) => Aten.Call("narrow", this, dim, start, length);

        public Tensor slice(long dim, long start, long finish, long step) => Aten.Call("slice.Tensor", this, dim, start, finish, step);

        public Tensor select(long dim, long index) => Aten.Call("select.int", this, dim, index);

        public Tensor as_strided(long[] size, long[] strides, long storageOffset = 0L) => Aten.Call("as_strided", this, size, strides, storageOffset);

        public Tensor[] split(long size, int dim = 0) => Aten.CallList("split.Tensor", this, size, (long)dim);

        public Tensor[] split(long[] sizes, long dim = 0) => Aten.CallList("split_with_sizes", this, sizes, dim);

        public Tensor[] split(params long[] sizes) => Aten.CallList("split_with_sizes", this, sizes);

        public Tensor[] chunk(long chunks, long dim = 0L) => Aten.CallList("chunk", this, chunks, dim);

        public Tensor[] unbind(long dimension = 0L) => Aten.CallList("unbind.int", this, dimension);

        public Tensor unfold(long dimension, long size, long step) => Aten.Call("unfold", this, dimension, size, step);

        public Tensor diagonal(long offset = 0L, long dim1 = 0L, long dim2 = 1L) => Aten.Call("diagonal", this, offset, dim1, dim2);

        public Tensor diag(long diagonal = 0) => Aten.Call("diag", this, diagonal);

        public Tensor diag_embed(long offset = 0L, long dim1 = -2L, long dim2 = -1L) => Aten.Call("diag_embed", this, offset, dim1, dim2);

        public Tensor flip(params long[] dims) => Aten.Call("flip", this, dims);

        public Tensor roll(long shifts, long? dims = null) => Aten.Call("roll", this, new long[] { shifts }, dims is { } given ? new long[] { given } : []);

        public Tensor roll(long[] shifts, long[] dims) => Aten.Call("roll", this, shifts, dims);

        public Tensor tril(long diagonal = 0) => Aten.Call("tril", this, diagonal);

        public Tensor tril_(long diagonal = 0) => Aten.InPlace("tril_", this, diagonal);

        public Tensor triu(long diagonal = 0) => Aten.Call("triu", this, diagonal);

        public Tensor triu_(long diagonal = 0) => Aten.InPlace("triu_", this, diagonal);

        public Tensor movedim(long[] source, long[] destination) => Aten.Call("movedim.intlist", this, source, destination);
    }
}
