namespace TorchSharp;

public static partial class torch
{
    /// <summary>The lengths of a tensor's dimensions.</summary>
    public readonly struct Size
    {
        private readonly long[] _shape;

        public Size(long[] shape) => _shape = (long[])shape.Clone();

        internal long[] Shape => _shape ?? [];

        public static implicit operator Size(long[] size) => new(size);
    }

    /// <summary>How a division is rounded.</summary>
    public enum RoundingMode
    {
        None,
        trunc,
        floor,
    }
}
