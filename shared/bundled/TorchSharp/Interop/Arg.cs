using static TorchSharp.torch;

namespace TorchSharp.Interop;

/// <summary>One argument of an operator, made by implicit conversion from what the C# caller has.</summary>
internal readonly struct Arg
{
    internal readonly object? Reference;
    internal readonly long Integer;
    internal readonly double Number;
    internal readonly double Imaginary;
    internal readonly Kind Kind;

    private Arg(Kind kind, object? reference = null, long integer = 0, double number = 0, double imaginary = 0)
    {
        (Kind, Reference, Integer, Number, Imaginary) = (kind, reference, integer, number, imaginary);
    }

    internal static Arg None => default;

    public static implicit operator Arg(Tensor? tensor) => tensor is null ? None : new(Kind.Tensor, tensor);

    public static implicit operator Arg(Tensor[] tensors) => new(Kind.TensorList, tensors);

    public static implicit operator Arg(long value) => new(Kind.Int, null, value);

    public static implicit operator Arg(long? value) => value is { } given ? new(Kind.Int, null, given) : None;

    public static implicit operator Arg(double value) => new(Kind.Double, null, 0, value);

    public static implicit operator Arg(double? value) => value is { } given ? new(Kind.Double, null, 0, given) : None;

    public static implicit operator Arg(bool value) => new(Kind.Bool, null, value ? 1 : 0);

    public static implicit operator Arg(bool? value) => value is { } given ? new(Kind.Bool, null, given ? 1 : 0) : None;

    public static implicit operator Arg(string? value) => value is null ? None : new(Kind.String, value);

    public static implicit operator Arg(long[]? values) => values is null ? None : new(Kind.IntList, values);

    public static implicit operator Arg(ReadOnlySpan<long> values) => new(Kind.IntList, values.ToArray());

    public static implicit operator Arg(double[]? values) => values is null ? None : new(Kind.DoubleList, values);

    public static implicit operator Arg(ScalarType type) => new(Kind.Int, null, (long)type);

    public static implicit operator Arg(ScalarType? type) => type is { } given ? new(Kind.Int, null, (long)given) : None;

    public static implicit operator Arg(Device? device) => device is null ? None : new(Kind.Device, device);

    public static implicit operator Arg(Generator? generator) => generator is null ? None : new(Kind.Generator, generator);

    public static implicit operator Arg(Scalar? value) => value?.Argument ?? None;

    /// <summary>A list in which a null stands for "no tensor" (the indices of <c>index.Tensor</c>).</summary>
    internal static Arg Optional(Tensor?[] tensors) => new(Kind.OptionalTensorList, tensors);

    internal static Arg OfComplex(double real, double imaginary) => new(Kind.Complex, null, 0, real, imaginary);
}
