using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// One reference to a libtorch tensor. It belongs to the innermost dispose scope of the thread that made it; without a scope it
    /// is to be disposed, or left to the finaliser (safe, slow). In-place operations, whose names end in "_", return the same object.
    /// </summary>
    public partial class Tensor : IDisposable
    {
        private static long s_total;
        private static long s_peak;

        internal nint handle;

        internal Tensor(nint handle, bool register = true)
        {
            this.handle = handle;
            var total = Interlocked.Increment(ref s_total);
            if (total > Volatile.Read(ref s_peak))
                Volatile.Write(ref s_peak, total);
            if (register)
                OwningDisposeScope = DisposeScopeManager.ThreadSingleton.RegisterOnCurrentDisposeScope(this);
        }

        ~Tensor() => Dispose(false);

        internal DisposeScope? OwningDisposeScope { get; set; }

        /// <summary>Tensors that are alive, of all threads.</summary>
        public static long TotalCount => Interlocked.Read(ref s_total);

        /// <summary>The most that were ever alive.</summary>
        public static long PeakCount => Interlocked.Read(ref s_peak);

        public nint Handle => handle != 0 ? handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");

        public bool IsInvalid => handle == 0;

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            var owned = Interlocked.Exchange(ref handle, 0);
            if (owned == 0)
                return;
            DisposeScopeManager.ThreadSingleton.DisposingOnCurrentScope(this);
            // On the finaliser's thread the scope is garbage too, and of another thread.
            if (disposing)
                OwningDisposeScope?.MarkAsDisposed(this);
            Interlocked.Decrement(ref s_total);
            Native.shim_tensor_free(owned);
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope? other)
        {
            if (OwningDisposeScope is null && other is not null)
                other.Attach(this);
            else
                OwningDisposeScope?.MoveToOther(other, this);
            return this;
        }

        public override bool Equals(object? obj) => obj is Tensor other && Equals(other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

        public override string ToString() => $"[{string.Join('x', shape)}], type = {dtype}, device = {device}";
    }
}
