using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A stream of random numbers of one device.</summary>
    public class Generator : IDisposable
    {
        internal Generator(nint handle) => (Handle, device) = (handle, CPU);

        public Generator(ulong seed = 0, Device? device = null)
        {
            this.device = device ?? CPU;
            Aten.Check(Native.shim_generator_new((long)seed, (long)this.device.type, this.device.index, out var handle));
            Handle = handle;
        }

        ~Generator() => Dispose(false);

        public nint Handle { get; private set; }

        public Device device { get; private set; }

        /// <summary>libtorch's own generator for the CPU.</summary>
        public static Generator Default => new(Native.shim_generator_default());

        public Tensor get_state()
        {
            Aten.Check(Native.shim_generator_get_state(Handle, out var state));
            return new Tensor(state);
        }

        public void set_state(Tensor value) => Aten.Check(Native.shim_generator_set_state(Handle, value.Handle));

        public Generator manual_seed(long seed)
        {
            Aten.Check(Native.shim_generator_seed(Handle, seed));
            return this;
        }

        public long seed()
        {
            var seed = DateTime.UtcNow.Ticks;
            Aten.Check(Native.shim_generator_seed(Handle, seed));
            return seed;
        }

        public long initial_seed() => Native.shim_generator_initial_seed(Handle);

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (Handle == 0)
                return;
            Native.shim_generator_free(Handle);
            Handle = 0;
        }
    }
}
