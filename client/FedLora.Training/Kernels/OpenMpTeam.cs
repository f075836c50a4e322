using System.Runtime.InteropServices;

namespace FedLora.Training.Kernels;

/// <summary>
/// The threads that libtorch computes with on the CPU, where they are libgomp's: a kernel that runs on them starts at once, since they wait
/// for work, and does not compete with them for a processor. Elsewhere the thread pool does.
/// </summary>
internal static unsafe partial class OpenMpTeam
{
    private static readonly bool _isThere = IsLoaded();

    /// <summary>Runs body(0) to body(count - 1), each on a thread of its own.</summary>
    public static void Run(int count, Action<int> body)
    {
        if (!_isThere)
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = count }, body);
            return;
        }
        var job = new Job(body, count);
        var handle = GCHandle.Alloc(job);
        try
        {
            GOMP_parallel(&Work, (void*)GCHandle.ToIntPtr(handle), (uint)count, 0);
        }
        finally
        {
            handle.Free();
        }
        job.ThrowIfFailed();
    }

    [UnmanagedCallersOnly]
    private static void Work(void* data) => ((Job)GCHandle.FromIntPtr((nint)data).Target!).Take();

    [LibraryImport("libgomp")]
    private static partial void GOMP_parallel(delegate* unmanaged<void*, void> body, void* data, uint threads, uint flags);

    // Asking for the library would load it where libtorch has another OpenMP, and then there would be two teams.
    private static bool IsLoaded() =>
        OperatingSystem.IsLinux() && File.ReadLines("/proc/self/maps").Any(line => line.EndsWith("/libgomp.so.1", StringComparison.Ordinal) || line.Contains("/libgomp.so.1.", StringComparison.Ordinal));

    /// <summary>What is to be done. A team may be smaller than it was asked to be, so its threads take what is left, one after the other.</summary>
    private sealed class Job(Action<int> body, int count)
    {
        private int _next = -1;
        private Exception? _failure;

        public void Take()
        {
            try
            {
                for (var i = Interlocked.Increment(ref _next); i < count; i = Interlocked.Increment(ref _next))
                    body(i);
            }
            catch (Exception failure)
            {
                _failure = failure;
            }
        }

        public void ThrowIfFailed()
        {
            if (_failure is not null)
                throw new AggregateException(_failure);
        }
    }
}
