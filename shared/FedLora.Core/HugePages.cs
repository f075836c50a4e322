using System.Runtime.InteropServices;

namespace FedLora.Core;

/// <summary>
/// Memory for much that is made at once. What the collector takes from the system costs a fault for each page of 4 KiB when it is first
/// written, in a virtual machine more than all that is computed there: so what the last such step left is used again, and Linux is asked
/// for pages of 2 MiB.
/// </summary>
public static partial class HugePages
{
    private const nint Size = 2 << 20;

    // Headers and padding. Where there is more in between, there may be no memory.
    private const nint Beside = 4096;

    // 32 MiB. Less is not worth a collection.
    private const long Many = 8 << 20;

    // MADV_COLLAPSE, Linux 6.1. A hint before the first write would come too late: each array's header is written as it is made.
    private const int Collapse = 25;

    /// <summary>Arrays with whatever was in their memory; those of 32 MiB in all are never moved.</summary>
    /// <param name="lengths">How many entries each has.</param>
    public static float[][] Arrays(IReadOnlyList<int> lengths)
    {
        var many = lengths.Sum(length => (long)length) >= Many;
        if (many)
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false);
        var arrays = new float[lengths.Count][];
        for (var i = 0; i < arrays.Length; i++)
            arrays[i] = GC.AllocateUninitializedArray<float>(lengths[i], pinned: many);
        if (many && OperatingSystem.IsLinux())
            Gather(arrays);
        return arrays;
    }

    private static void Gather(float[][] arrays)
    {
        var (start, end) = ((nint)0, (nint)0);
        foreach (var (first, length) in arrays
            .Select(array => (First: Marshal.UnsafeAddrOfPinnedArrayElement(array, 0), Length: sizeof(float) * (nint)array.Length))
            .Order().Append((nint.MaxValue, 0)))
        {
            if (first - end > Beside)
            {
                // What is not wholly theirs, at either end, stays as it is.
                start = (start + Size - 1) / Size * Size;
                if (end - start >= Size)
                    _ = Advise(start, (end - start) / Size * Size, Collapse);
                start = first;
            }
            end = first + length;
        }
    }

    // A wish: where it is not granted, pages are small.
    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nint length, int advice);
}
