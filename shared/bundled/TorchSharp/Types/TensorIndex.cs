namespace TorchSharp;

public static partial class torch
{
    /// <summary>One index of <c>tensor[i, j, ...]</c>: a position, a slice, an ellipsis, a new dimension, a mask or a tensor of positions.</summary>
    public struct TensorIndex
    {
        internal enum IndexKind
        {
            None, Single, Null, Ellipsis, Bool, Tensor, Slice,
        }

        internal IndexKind Kind;
        internal long? First;
        internal long? Stop;
        internal long? Step;
        internal Tensor? Positions;

        public static readonly TensorIndex Ellipsis = new() { Kind = IndexKind.Ellipsis };
        public static readonly TensorIndex None = new() { Kind = IndexKind.None };
        public static readonly TensorIndex Null = new() { Kind = IndexKind.Null };
        public static readonly TensorIndex Colon = Slice();

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new() { Kind = IndexKind.Slice, First = start, Stop = stop, Step = step };

        public static TensorIndex Slice((int? start, int? end) range) => Slice(range.start, range.end);

        public static TensorIndex Slice(Range range) => Slice(
            range.Start.IsFromEnd ? -range.Start.Value : range.Start.Value,
            !range.End.IsFromEnd ? range.End.Value : range.End.Value == 0 ? null : -range.End.Value);

        public static TensorIndex Bool(bool value) => new() { Kind = IndexKind.Bool, First = value ? 1 : 0 };

        public static TensorIndex Single(long? index) => new() { Kind = IndexKind.Single, First = index };

        public static TensorIndex Tensor(Tensor tensor) => new() { Kind = IndexKind.Tensor, Positions = tensor };

        public static implicit operator TensorIndex(long value) => Single(value);

        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range);

        public static implicit operator TensorIndex(Range range) => Slice(range);

        public static implicit operator TensorIndex(Index index) => Single(index.IsFromEnd ? -index.Value : index.Value);
    }
}
