using System.Runtime.InteropServices;

namespace TorchSharp.Interop;

/// <summary>The C entries of the shim (native/*.cpp). Those that return int give 0, or 1 with a message in <c>shim_error</c>.</summary>
internal static unsafe partial class Native
{
    private const string Library = "torchsharp_shim";

    [LibraryImport(Library), SuppressGCTransition] internal static partial nint shim_error();
    [LibraryImport(Library)] internal static partial nint shim_version();
    [LibraryImport(Library)] internal static partial void shim_free(nint memory);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial int shim_find_operator(string name, string overload, out nint op);
    [LibraryImport(Library)] internal static partial int shim_call(nint op, Value* arguments, long count, Value* results, long capacity, long* produced);

    [LibraryImport(Library)] internal static partial void shim_tensor_free(nint tensor);
    [LibraryImport(Library)] internal static partial nint shim_tensor_alias(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long shim_tensor_dtype(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long shim_tensor_dim(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long shim_tensor_numel(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long shim_tensor_element_size(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long shim_tensor_is_contiguous(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long shim_tensor_storage_offset(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long shim_tensor_device(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial void shim_tensor_sizes(nint tensor, long* sizes);
    [LibraryImport(Library), SuppressGCTransition] internal static partial void shim_tensor_strides(nint tensor, long* strides);
    [LibraryImport(Library)] internal static partial int shim_tensor_data(nint tensor, out nint data);
    [LibraryImport(Library)]
    internal static partial int shim_tensor_wrap(
        nint data, long* sizes, long dim, long dtype, delegate* unmanaged<nint, void> release, nint context, out nint tensor);

    [LibraryImport(Library)] internal static partial long shim_grad_enabled();
    [LibraryImport(Library)] internal static partial void shim_set_grad_enabled(long enabled);
    [LibraryImport(Library)] internal static partial long shim_inference_mode();
    [LibraryImport(Library)] internal static partial nint shim_inference_mode_enter(long enabled);
    [LibraryImport(Library)] internal static partial void shim_inference_mode_leave(nint guard);
    [LibraryImport(Library)] internal static partial long shim_anomaly_enabled();
    [LibraryImport(Library)] internal static partial long shim_anomaly_check_nan();
    [LibraryImport(Library)] internal static partial void shim_set_anomaly(long enabled, long checkNan);
    [LibraryImport(Library)] internal static partial long shim_requires_grad(nint tensor);
    [LibraryImport(Library)] internal static partial long shim_is_leaf(nint tensor);
    [LibraryImport(Library)] internal static partial int shim_set_requires_grad(nint tensor, long value);
    [LibraryImport(Library)] internal static partial int shim_retain_grad(nint tensor);
    [LibraryImport(Library)] internal static partial int shim_grad(nint tensor, out nint gradient);
    [LibraryImport(Library)] internal static partial int shim_set_grad(nint tensor, nint gradient);
    [LibraryImport(Library)]
    internal static partial int shim_backward(
        nint* tensors, long count, nint* gradients, long gradientCount, long retainGraph, long createGraph, nint* inputs, long inputCount);
    [LibraryImport(Library)]
    internal static partial int shim_gradients(
        nint* outputs, long outputCount, nint* inputs, long inputCount, nint* gradients, long gradientCount, long retainGraph, long createGraph, long allowUnused, nint* results);

    [LibraryImport(Library)]
    internal static partial int shim_node_new(
        delegate* unmanaged<nint, nint*, long, nint*, long, byte*, long, int> apply, delegate* unmanaged<nint, void> release, nint context, nint* inputs, long count, out nint node);
    [LibraryImport(Library)] internal static partial void shim_node_free(nint node);
    [LibraryImport(Library)] internal static partial nint shim_node_raw(nint node);
    [LibraryImport(Library)] internal static partial int shim_node_save(nint node, nint* tensors, long count);
    [LibraryImport(Library)] internal static partial int shim_node_saved(nint raw, nint* results, long count);
    [LibraryImport(Library)]
    internal static partial int shim_wrap_outputs(
        nint node, nint* inputs, long inputCount, nint* outputs, long outputCount, nint* dirty, long dirtyCount, nint* constant, long constantCount, nint* results);

    [LibraryImport(Library)] internal static partial long shim_get_num_threads();
    [LibraryImport(Library)] internal static partial int shim_set_num_threads(long count);
    [LibraryImport(Library)] internal static partial long shim_get_num_interop_threads();
    [LibraryImport(Library)] internal static partial int shim_set_num_interop_threads(long count);
    [LibraryImport(Library)] internal static partial long shim_cuda_available();
    [LibraryImport(Library)] internal static partial long shim_cudnn_available();
    [LibraryImport(Library)] internal static partial long shim_cuda_device_count();
    [LibraryImport(Library)] internal static partial int shim_cuda_synchronize(long index);
    [LibraryImport(Library)] internal static partial int shim_manual_seed(long seed);
    [LibraryImport(Library)] internal static partial int shim_generator_new(long seed, long deviceType, long deviceIndex, out nint generator);
    [LibraryImport(Library)] internal static partial nint shim_generator_default();
    [LibraryImport(Library)] internal static partial void shim_generator_free(nint generator);
    [LibraryImport(Library)] internal static partial int shim_generator_seed(nint generator, long seed);
    [LibraryImport(Library)] internal static partial long shim_generator_initial_seed(nint generator);
    [LibraryImport(Library)] internal static partial int shim_generator_get_state(nint generator, out nint state);
    [LibraryImport(Library)] internal static partial int shim_generator_set_state(nint generator, nint state);
}
