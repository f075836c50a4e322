using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public long Dimensions => Native.shim_tensor_dim(Handle);

        public long dim() => Dimensions;

        public long ndim => Dimensions;

        public long NumberOfElements => Native.shim_tensor_numel(Handle);

        public long numel() => NumberOfElements;

        public long ElementSize => Native.shim_tensor_element_size(Handle);

        public long element_size() => ElementSize;

        public ScalarType dtype => (ScalarType)Native.shim_tensor_dtype(Handle);

        public DeviceType device_type => (DeviceType)(Native.shim_tensor_device(Handle) & 0xFFFFFFFF);

        public int device_index => (int)(Native.shim_tensor_device(Handle) >> 32);

        public Device device => device_type == DeviceType.CPU ? new Device(DeviceType.CPU) : new Device(device_type, device_index);

        public bool is_cuda => device_type == DeviceType.CUDA;

        public bool is_meta => device_type == DeviceType.META;

        public bool is_cpu() => device_type == DeviceType.CPU;

        public bool is_integral() => torch.is_integral(dtype);

        public bool is_floating_point() => torch.is_floating_point(dtype);

        public bool is_complex() => torch.is_complex(dtype);

        public bool is_contiguous() => Native.shim_tensor_is_contiguous(Handle) != 0;

        public long storage_offset() => Native.shim_tensor_storage_offset(Handle);

        public unsafe long[] shape
        {
            get
            {
                var sizes = new long[Dimensions];
                fixed (long* first = sizes)
                    Native.shim_tensor_sizes(Handle, first);
                return sizes;
            }
        }

        public long[] size() => shape;

        public long size(int dim) => At(shape, dim);

        public unsafe long[] stride()
        {
            var strides = new long[Dimensions];
            fixed (long* first = strides)
                Native.shim_tensor_strides(Handle, first);
            return strides;
        }

        public long stride(int dim) => At(stride(), dim);

        private static long At(long[] values, int dim)
        {
            var index = dim < 0 ? dim + values.Length : dim;
            return (uint)index < values.Length
                ? values[index]
                : throw new System.Runtime.InteropServices.ExternalException(
                    $"Dimension out of range (expected to be in range of [{-values.Length}, {values.Length - 1}], but got {dim})");
        }
    }
}
