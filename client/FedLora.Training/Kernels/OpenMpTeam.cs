using System.Runtime.InteropServices;
using FedLora.Training.Libtorch;

namespace FedLora.Training.Kernels;

/// <summary>
/// The threads that libtorch computes with on the CPU, where they are OpenMP's: a kernel that runs on them starts at once, since they wait
/// for work, and does not compete with them for a processor. Elsewhere the thread pool does.
/// </summary>
internal static unsafe class OpenMpTeam
{
    private static readonly delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void> StartTeam = Find();

    /// <summary>Whether kernels run on libtorch's own threads.</summary>
    public static bool IsThere => StartTeam is not null;

    /// <summary>Runs body(0) to body(count - 1), each on a thread of its own.</summary>
    public static void Run(int count, Action<int> body)
    {
        if (!IsThere)
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = count }, body);
            return;
        }
        var job = new Job(body, count);
        var handle = GCHandle.Alloc(job);
        try
        {
            StartTeam(&Work, (void*)GCHandle.ToIntPtr(handle), (uint)count, 0);
        }
        finally
        {
            handle.Free();
        }
        job.ThrowIfFailed();
    }

    [UnmanagedCallersOnly]
    private static void Work(void* data) => ((Job)GCHandle.FromIntPtr((nint)data).Target!).Take();

    // Looked up through libtorch, whose dependencies are searched: its OpenMP has a name of its own (libgomp-98b21ff3.so.1), and a second
    // one would be a second team.
    private static delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void> Find() =>
        OperatingSystem.IsLinux() && NativeLibrary.TryGetExport(LibtorchLoader.EnsureLoaded(), "GOMP_parallel", out var found)
            ? (delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void>)found : null;

    /// <summary>
    /// What is to be done. A team may be smaller than it was asked to be, so its threads take what is left, one after the other.
    /// </summary>
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
