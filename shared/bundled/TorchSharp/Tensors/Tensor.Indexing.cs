using System.Runtime.CompilerServices;
using TorchSharp.Interop;
using Kind = TorchSharp.torch.TensorIndex.IndexKind;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Indexing as Python does it: positions, slices, ellipsis and new dimensions give views; tensors and masks gather.</summary>
    public partial class Tensor
    {
        [IndexerName("TensorItems")]
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1]
        {
            get => select(0, i1);
            set => index_put_(value, [i1]);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params long[] indices]
        {
            get => index(Positions(indices));
            set => index_put_(value, Positions(indices));
        }

        public Tensor index(params TensorIndex[] indices)
        {
            using var scope = NewDisposeScope();
            var view = View(indices, out var tensors);
            return (tensors is null ? view.alias() : Aten.Call("index.Tensor", view, Arg.Optional(tensors))).MoveToOuterDisposeScope();
        }

        public Tensor index_put_(Tensor value, params TensorIndex[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false)
        {
            using var scope = NewDisposeScope();
            var view = View(indices, out var tensors);
            if (tensors is not null)
                Aten.Run("index_put_", view, Arg.Optional(tensors), value, accumulate);
            else if (accumulate)
                view.add_(value);
            else
                view.copy_(value);
            return this;
        }

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using var filled = full([], value, dtype, device);
            return index_put_(filled, indices, false);
        }

        private static TensorIndex[] Positions(long[] indices) => Array.ConvertAll(indices, index => TensorIndex.Single(index));

        // Applies what is a view; tensors: what is left for gathering, one entry per dimension, or null.
        private Tensor View(TensorIndex[] indices, out Tensor?[]? tensors)
        {
            tensors = null;
            var view = alias();
            var consumed = indices.Count(index => index.Kind is not (Kind.None or Kind.Null or Kind.Ellipsis or Kind.Bool));
            var dim = 0;
            foreach (var index in indices)
            {
                switch (index.Kind)
                {
                    case Kind.Single:
                        view = view.select(dim, index.First ?? 0);
                        break;
                    case Kind.Slice:
                        view = Aten.Call("slice.Tensor", view, (long)dim++, index.First, index.Stop, index.Step ?? 1);
                        break;
                    case Kind.Ellipsis:
                        dim += (int)(ndim - consumed);
                        break;
                    case Kind.None or Kind.Null:
                        view = view.unsqueeze(dim++);
                        break;
                    case Kind.Bool:
                        view = view.unsqueeze(dim);
                        Gather(ref tensors, dim++, Aten.Call("full", new long[] { index.First != 0 ? 1 : 0 }, (Scalar)0, ScalarType.Int64, Arg.None, device));
                        break;
                    case Kind.Tensor:
                        var positions = index.Positions ?? throw new ArgumentNullException(nameof(indices), "A tensor index without a tensor.");
                        Gather(ref tensors, dim, positions);
                        dim += positions.dtype is ScalarType.Bool or ScalarType.Byte ? (int)positions.ndim : 1;
                        break;
                }
            }
            return view;
        }

        private static void Gather(ref Tensor?[]? tensors, int dim, Tensor positions)
        {
            Array.Resize(ref tensors, Math.Max(tensors?.Length ?? 0, dim + 1));
            tensors[dim] = positions;
        }
    }
}
