using System.Runtime.InteropServices;
using System.Text;
using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        /// <summary>How libtorch's engine reaches the backward of a custom function, on whichever thread it runs.</summary>
        internal static unsafe class NodeCallbacks
        {
            [ThreadStatic] private static Exception? t_failure;

            internal static nint NewNode(AutogradContext context, nint* inputs, long count)
            {
                var pin = GCHandle.Alloc(context);
                var made = Native.shim_node_new(&Apply, &Release, GCHandle.ToIntPtr(pin), inputs, count, out var node);
                Aten.Check(made);
                return node;
            }

            /// <summary>What a backward on this thread threw, once: it becomes the inner exception of libtorch's failure.</summary>
            internal static Exception? TakeFailure()
            {
                var failure = t_failure;
                t_failure = null;
                return failure;
            }

            [UnmanagedCallersOnly]
            private static void Release(nint context) => GCHandle.FromIntPtr(context).Free();

            [UnmanagedCallersOnly]
            private static int Apply(nint context, nint* gradients, long count, nint* results, long capacity, byte* message, long length)
            {
                try
                {
                    var function = (AutogradContext)GCHandle.FromIntPtr(context).Target!;
                    var made = function.Apply(new ReadOnlySpan<nint>(gradients, (int)count));
                    for (var k = 0; k < made.Count; k++)
                        results[k] = made[k] is { IsInvalid: false } tensor ? Native.shim_tensor_alias(tensor.Handle) : 0;
                    return 0;
                }
                // Nothing may cross into libtorch's frames: it gets the message, and the caller of backward the exception.
                catch (Exception failure)
                {
                    t_failure = failure;
                    var text = Encoding.UTF8.GetBytes(failure.Message);
                    var kept = (int)Math.Min(text.Length, length - 1);
                    text.AsSpan(0, kept).CopyTo(new Span<byte>(message, kept));
                    message[kept] = 0;
                    return 1;
                }
            }
        }
    }
}
