using System.Runtime.InteropServices;
using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    private static ScalarType s_defaultType = ScalarType.Float32;
    private static Device? s_defaultDevice;

    /// <summary>The version of libtorch.</summary>
    public static string __version__ => Marshal.PtrToStringUTF8(Native.shim_version())!;

    public static DisposeScope NewDisposeScope() => DisposeScopeManager.ThreadSingleton.NewDisposeScope();

    public static DisposeScope? CurrentDisposeScope => DisposeScopeManager.ThreadSingleton.CurrentDisposeScope;

    /// <summary>Evaluates in a scope of its own, of which only the result survives.</summary>
    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using var scope = NewDisposeScope();
        return expr().MoveToOuterDisposeScope();
    }

    public static void set_default_dtype(ScalarType dtype) => s_defaultType = dtype;

    public static ScalarType get_default_dtype() => s_defaultType;

    public static void set_default_device(Device device) => s_defaultDevice = device;

    public static void set_default_device(string device) => s_defaultDevice = new Device(device);

    public static Device get_default_device() => s_defaultDevice ?? CPU;

    public static int get_num_threads() => (int)Native.shim_get_num_threads();

    /// <summary>Sets the threads of libtorch's own loops and of OpenBLAS.</summary>
    public static void set_num_threads(int num) => Aten.Check(Native.shim_set_num_threads(num));

    public static int get_num_interop_threads() => (int)Native.shim_get_num_interop_threads();

    public static void set_num_interop_threads(int num) => Aten.Check(Native.shim_set_num_interop_threads(num));

    public static IDisposable no_grad() => new AutoGradMode(false);

    public static IDisposable enable_grad(bool enabled = true) => new AutoGradMode(enabled);

    public static IDisposable set_grad_enabled(bool mode = true) => new AutoGradMode(mode);

    public static bool is_grad_enabled() => AutoGradMode.IsEnabled;

    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);

    public static bool is_inference_mode_enabled() => InferenceMode.IsEnabled;

    public static class cuda
    {
        public static bool is_available() => Native.shim_cuda_available() != 0;

        public static bool is_cudnn_available() => Native.shim_cudnn_available() != 0;

        public static int device_count() => (int)Native.shim_cuda_device_count();

        public static void manual_seed(long seed) => random.manual_seed(seed);

        public static void manual_seed_all(long seed) => random.manual_seed(seed);

        public static void synchronize(Device? device = null) => Aten.Check(Native.shim_cuda_synchronize(device?.index ?? -1));
    }

    public static class random
    {
        public static long seed()
        {
            using var generator = Generator.Default;
            return generator.seed();
        }

        public static long initial_seed()
        {
            using var generator = Generator.Default;
            return generator.initial_seed();
        }

        /// <summary>Seeds the default generators of all devices.</summary>
        public static Generator manual_seed(long seed)
        {
            Aten.Check(Native.shim_manual_seed(seed));
            return Generator.Default;
        }

        public static Tensor get_rng_state()
        {
            using var generator = Generator.Default;
            return generator.get_state();
        }

        public static void set_rng_state(Tensor new_state)
        {
            using var generator = Generator.Default;
            generator.set_state(new_state);
        }
    }
}
