using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static Tensor index_select(Tensor input, long dim, Tensor index) => input.index_select(dim, index);

    public static Tensor gather(Tensor input, long dim, Tensor index) => input.gather(dim, index);

    public static Tensor gather(Tensor input, long dim, Tensor index, bool sparse_grad = false) => Aten.Call("gather", input, dim, index, sparse_grad);

    public static Tensor scatter(Tensor input, long dim, Tensor index, Tensor src) => input.scatter(dim, index, src);

    public static Tensor scatter_add(Tensor input, long dim, Tensor index, Tensor src) => input.scatter_add(dim, index, src);

    public static Tensor take_along_dim(Tensor input, Tensor indices, long dim = 0) => input.take_along_dim(indices, dim);

    public static Tensor take_along_dim(Tensor input, IEnumerable<long> indices, long dim = 0)
    {
        using var positions = tensor(indices.ToArray());
        return input.take_along_dim(positions, dim);
    }

    public static Tensor where(Tensor condition, Tensor x, Tensor y) => Aten.Call("where.self", condition, x, y);

    public static Tensor[] where(Tensor condition) => Aten.CallList("where", condition);

    public static Tensor masked_select(Tensor input, Tensor mask) => input.masked_select(mask);

    public static Tensor nonzero(Tensor input) => input.nonzero();

    public static Tensor index_add(Tensor input, long dim, Tensor index, Tensor source, Scalar alpha) => input.index_add(dim, index, source, alpha);

    public static Tensor cat(IList<Tensor> tensors, long dim = 0) => cat(tensors.ToArray(), dim);

    public static Tensor cat(Tensor[] tensors, long dim = 0) => Joined("cat", tensors, dim);

    public static Tensor cat(ReadOnlySpan<Tensor> tensors, long dim = 0) => cat(tensors.ToArray(), dim);

    public static Tensor concat(IList<Tensor> tensors, long dim = 0) => cat(tensors, dim);

    public static Tensor concat(Tensor[] tensors, long dim = 0) => cat(tensors, dim);

    public static Tensor concat(ReadOnlySpan<Tensor> tensors, long dim = 0) => cat(tensors, dim);

    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0) => Joined("stack", tensors.ToArray(), dim);

    public static Tensor vstack(Tensor[] tensors) => Aten.Call("vstack", tensors);

    private static Tensor Joined(string name, Tensor[] tensors, long dim) =>
        tensors.Length == 0 ? throw new ArgumentException($"{name}() wants at least one tensor.") : Aten.Call(name, tensors, dim);
}
