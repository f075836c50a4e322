using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor add(Tensor target) => Aten.Call("add.Tensor", this, target);

        public Tensor add(Tensor target, Scalar alpha) => Aten.Call("add.Tensor", this, target, alpha);

        public Tensor add(Scalar scalar) => Aten.Call("add.Scalar", this, scalar);

        public Tensor add(Scalar scalar, Scalar alpha) => Aten.Call("add.Scalar", this, scalar, alpha);

        public Tensor add_(Tensor target) => Aten.InPlace("add_.Tensor", this, target);

        public Tensor add_(Tensor target, Scalar alpha) => Aten.InPlace("add_.Tensor", this, target, alpha);

        public Tensor add_(Scalar scalar) => Aten.InPlace("add_.Scalar", this, scalar);

        public Tensor add_(Scalar scalar, Scalar alpha) => Aten.InPlace("add_.Scalar", this, scalar, alpha);

        public Tensor sub(Tensor target) => Aten.Call("sub.Tensor", this, target);

        public Tensor sub(Scalar target) => Aten.Call("sub.Scalar", this, target);

        public Tensor sub_(Tensor target) => Aten.InPlace("sub_.Tensor", this, target);

        public Tensor sub_(Scalar target) => Aten.InPlace("sub_.Scalar", this, target);

        public Tensor mul(Tensor target) => Aten.Call("mul.Tensor", this, target);

        public Tensor mul(Scalar target) => Aten.Call("mul.Scalar", this, target);

        public Tensor mul_(Tensor target) => Aten.InPlace("mul_.Tensor", this, target);

        public Tensor mul_(Scalar target) => Aten.InPlace("mul_.Scalar", this, target);

        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => Aten.Call("div.Tensor_mode", this, target, Rounding(rounding_mode));

        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => Aten.Call("div.Scalar_mode", this, target, Rounding(rounding_mode));

        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => Aten.InPlace("div_.Tensor_mode", this, target, Rounding(rounding_mode));

        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => Aten.InPlace("div_.Scalar_mode", this, target, Rounding(rounding_mode));

        public Tensor remainder(Tensor target) => Aten.Call("remainder.Tensor", this, target);

        public Tensor remainder(Scalar scalar) => Aten.Call("remainder.Scalar", this, scalar);

        public Tensor remainder_(Tensor target) => Aten.InPlace("remainder_.Tensor", this, target);

        public Tensor remainder_(Scalar scalar) => Aten.InPlace("remainder_.Scalar", this, scalar);

        public Tensor fmod(Tensor target) => Aten.Call("fmod.Tensor", this, target);

        public Tensor fmod(Scalar scalar) => Aten.Call("fmod.Scalar", this, scalar);

        public Tensor fmod_(Tensor target) => Aten.InPlace("fmod_.Tensor", this, target);

        public Tensor fmod_(Scalar scalar) => Aten.InPlace("fmod_.Scalar", this, scalar);

        public Tensor floor_divide(Tensor other) => Aten.Call("floor_divide", this, other);

        public Tensor floor_divide(Scalar other) => Aten.Call("floor_divide.Scalar", this, other);

        public Tensor pow(Tensor exponent) => Aten.Call("pow.Tensor_Tensor", this, exponent);

        public Tensor pow(Scalar exponent) => Aten.Call("pow.Tensor_Scalar", this, exponent);

        public Tensor pow_(Tensor exponent) => Aten.InPlace("pow_.Tensor", this, exponent);

        public Tensor pow_(Scalar exponent) => Aten.InPlace("pow_.Scalar", this, exponent);

        public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) => Aten.Call("addcmul", this, tensor1, tensor2, value);

        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => Aten.InPlace("addcmul_", this, tensor1, tensor2, value);

        public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) => Aten.Call("addcdiv", this, tensor1, tensor2, value);

        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => Aten.InPlace("addcdiv_", this, tensor1, tensor2, value);

        public Tensor addcdiv(Tensor tensor1, Tensor tensor2) => Aten.Call("addcdiv", this, tensor1, tensor2);

        public Tensor lerp(Tensor end, Tensor weight) => Aten.Call("lerp.Tensor", this, end, weight);

        public Tensor bitwise_and(Tensor other) => Aten.Call("bitwise_and.Tensor", this, other);

        public Tensor bitwise_or(Tensor other) => Aten.Call("bitwise_or.Tensor", this, other);

        public Tensor bitwise_xor(Tensor other) => Aten.Call("bitwise_xor.Tensor", this, other);

        public Tensor logical_and(Tensor other) => Aten.Call("logical_and", this, other);

        public Tensor logical_or(Tensor other) => Aten.Call("logical_or", this, other);

        public Tensor logical_xor(Tensor other) => Aten.Call("logical_xor", this, other);

        public Tensor atan2(Tensor other) => Aten.Call("atan2", this, other);

        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2) => Aten.InPlace("addcdiv_", this, tensor1, tensor2);

        public Tensor lerp_(Tensor end, Tensor weight) => Aten.InPlace("lerp_.Tensor", this, end, weight);

        public Tensor bitwise_and_(Tensor other) => Aten.InPlace("bitwise_and_.Tensor", this, other);

        public Tensor bitwise_or_(Tensor other) => Aten.InPlace("bitwise_or_.Tensor", this, other);

        public Tensor bitwise_xor_(Tensor other) => Aten.InPlace("bitwise_xor_.Tensor", this, other);

        public Tensor logical_and_(Tensor other) => Aten.InPlace("logical_and_", this, other);

        public Tensor logical_or_(Tensor other) => Aten.InPlace("logical_or_", this, other);

        public Tensor logical_xor_(Tensor other) => Aten.InPlace("logical_xor_", this, other);

        public Tensor atan2_(Tensor other) => Aten.InPlace("atan2_", this, other);

        public Tensor maximum(Tensor other) => Aten.Call("maximum", this, other);

        public Tensor minimum(Tensor other) => Aten.Call("minimum", this, other);

        public Tensor logaddexp(Tensor other) => Aten.Call("logaddexp", this, other);

        private static string? Rounding(RoundingMode mode) => mode == RoundingMode.None ? null : mode.ToString();
    }
}
