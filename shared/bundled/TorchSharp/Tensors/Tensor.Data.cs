using TorchSharp.Interop;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        /// <summary>The elements, by the tensor's strides; <typeparamref name="T"/> must be the element type. A CUDA tensor is copied first.</summary>
        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            ValidateType(typeof(T));
            return new TensorAccessor<T>(device_type == DeviceType.CPU ? this : cpu());
        }

        /// <summary>The only element.</summary>
        public T item<T>() where T : unmanaged
        {
            if (NumberOfElements != 1)
                throw new ArgumentException("Number of elements in the tensor must be 1");
            return data<T>()[0];
        }

        /// <summary>The memory of a contiguous CPU tensor of less than 2 GiB.</summary>
        public unsafe Span<byte> bytes
        {
            get
            {
                var size = NumberOfElements * ElementSize;
                Require(is_contiguous(), "Bytes() called on non-contiguous tensor.");
                if (size > int.MaxValue)
                    throw new ArgumentException("Span only supports up to int.MaxValue elements.");
                Require(device_type == DeviceType.CPU, "Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
                return new Span<byte>((void*)Data, (int)size);
            }
            set
            {
                Require(is_contiguous(), "SetBytes() called on non-contiguous tensor.");
                if (NumberOfElements * ElementSize != value.Length)
                    throw new ArgumentException("Mismatched data sizes in SetBytes().");
                Require(device_type == DeviceType.CPU, "SetBytes() called on a tensor that is not in CPU memory.");
                value.CopyTo(new Span<byte>((void*)Data, value.Length));
            }
        }

        internal nint Data
        {
            get
            {
                Aten.Check(Native.shim_tensor_data(Handle, out var data));
                return data;
            }
        }

        public Scalar ToScalar()
        {
            var value = Aten.CallValue("item", this);
            return value.Kind switch
            {
                Kind.Bool => (value.Integer != 0).ToScalar(),
                Kind.Int => value.Integer.ToScalar(),
                Kind.Double => value.Number.ToScalar(),
                _ => new System.Numerics.Complex(value.Number, value.Imaginary).ToScalar(),
            };
        }

        public Tensor copy_(Tensor source, bool nonBlocking = false) => Aten.InPlace("copy_", this, source, nonBlocking);

        public Tensor clone() => Aten.Call("clone", this);

        public Tensor contiguous() => Aten.Call("contiguous", this);

        public Tensor alias() => new(Native.shim_tensor_alias(Handle));

        public Tensor fill_(Scalar value) => Aten.InPlace("fill_.Scalar", this, value);

        public Tensor zero_() => Aten.InPlace("zero_", this);

        internal void ValidateType(Type type)
        {
            if (!ScalarTypes.TryGetValue(type, out var wanted) || wanted != dtype)
                throw new ArgumentException($"{type.Name} is not compatible with {dtype}");
        }

        private static void Require(bool condition, string message)
        {
            if (!condition)
                throw new InvalidOperationException(message);
        }
    }
}
