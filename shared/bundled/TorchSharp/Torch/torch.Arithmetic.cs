namespace TorchSharp;

public static partial class torch
{
    public static Tensor add(Tensor left, Tensor right) => left.add(right);

    public static Tensor add(Tensor left, Scalar right) => left.add(right);

    public static Tensor sub(Tensor left, Tensor right) => left.sub(right);

    public static Tensor sub(Tensor left, Scalar right) => left.sub(right);

    public static Tensor mul(Tensor left, Tensor right) => left.mul(right);

    public static Tensor mul(Tensor left, Scalar right) => left.mul(right);

    public static Tensor div(Tensor left, Tensor right) => left.div(right);

    public static Tensor div(Tensor left, Scalar right) => left.div(right);

    public static Tensor pow(Tensor left, Tensor exponent) => left.pow(exponent);

    public static Tensor pow(Tensor left, Scalar exponent) => left.pow(exponent);

    public static Tensor remainder(Tensor left, Tensor right) => left.remainder(right);

    public static Tensor remainder(Tensor left, Scalar right) => left.remainder(right);

    public static Tensor add(Tensor left, Tensor right, Scalar alpha) => left.add(right, alpha);

    public static Tensor maximum(Tensor input, Tensor other) => input.maximum(other);

    public static Tensor minimum(Tensor input, Tensor other) => input.minimum(other);

    public static Tensor logaddexp(Tensor input, Tensor other) => input.logaddexp(other);

    public static Tensor logical_and(Tensor input, Tensor other) => input.logical_and(other);

    public static Tensor logical_or(Tensor input, Tensor other) => input.logical_or(other);

    public static Tensor logical_not(Tensor input) => input.logical_not();
}
