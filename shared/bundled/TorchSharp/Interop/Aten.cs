using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace TorchSharp.Interop;

/// <summary>
/// Calls libtorch operators by the names of native_functions.yaml ("add.Tensor"). Arguments stand in schema order; those left out
/// at the end take the schema's defaults. A failure of libtorch becomes an <see cref="ExternalException"/> with its message.
/// </summary>
internal static unsafe class Aten
{
    private const int MostResults = 4;
    private static readonly ConcurrentDictionary<string, nint> Operators = new(StringComparer.Ordinal);

    /// <summary>Calls an operator with one tensor as its result.</summary>
    internal static Tensor Call(string name, params ReadOnlySpan<Arg> arguments)
    {
        var results = stackalloc Value[MostResults];
        Invoke(name, arguments, results);
        return new Tensor(results[0].Pointer);
    }

    /// <summary>Calls an operator whose result is its first argument, changed in place.</summary>
    internal static Tensor InPlace(string name, Tensor self, params ReadOnlySpan<Arg> arguments)
    {
        Invoke(name, [self, .. arguments], null);
        return self;
    }

    /// <summary>Calls an operator for its effect only.</summary>
    internal static void Run(string name, params ReadOnlySpan<Arg> arguments) => Invoke(name, arguments, null);

    internal static (Tensor, Tensor) Call2(string name, params ReadOnlySpan<Arg> arguments)
    {
        var results = stackalloc Value[MostResults];
        Invoke(name, arguments, results);
        return (new Tensor(results[0].Pointer), new Tensor(results[1].Pointer));
    }

    internal static (Tensor, Tensor, Tensor) Call3(string name, params ReadOnlySpan<Arg> arguments)
    {
        var results = stackalloc Value[MostResults];
        Invoke(name, arguments, results);
        return (new Tensor(results[0].Pointer), new Tensor(results[1].Pointer), new Tensor(results[2].Pointer));
    }

    internal static (Tensor, Tensor, Tensor, Tensor) Call4(string name, params ReadOnlySpan<Arg> arguments)
    {
        var results = stackalloc Value[MostResults];
        Invoke(name, arguments, results);
        return (new Tensor(results[0].Pointer), new Tensor(results[1].Pointer), new Tensor(results[2].Pointer), new Tensor(results[3].Pointer));
    }

    internal static Tensor[] CallList(string name, params ReadOnlySpan<Arg> arguments)
    {
        var results = stackalloc Value[MostResults];
        Invoke(name, arguments, results);
        var tensors = new Tensor[results[0].Count];
        for (var k = 0; k < tensors.Length; k++)
            tensors[k] = new Tensor(((nint*)results[0].Pointer)[k]);
        Native.shim_free(results[0].Pointer);
        return tensors;
    }

    /// <summary>Calls an operator whose result is a number or a truth value.</summary>
    internal static Value CallValue(string name, params ReadOnlySpan<Arg> arguments)
    {
        var results = stackalloc Value[MostResults];
        Invoke(name, arguments, results);
        return results[0];
    }

    /// <summary>Throws what the shim's last failed call on this thread said.</summary>
    internal static void Check(int failed)
    {
        if (failed != 0)
            throw Failure();
    }

    private static ExternalException Failure()
    {
        var message = Marshal.PtrToStringUTF8(Native.shim_error()) ?? "";
        var inner = torch.autograd.NodeCallbacks.TakeFailure();
        return inner is null ? new ExternalException(message) : new ExternalException(message, inner);
    }

    [SkipLocalsInit]
    private static void Invoke(string name, ReadOnlySpan<Arg> arguments, Value* results)
    {
        if (!Operators.TryGetValue(name, out var op))
            op = Find(name);
        const int room = 1024;
        var stack = stackalloc byte[room];
        var scratch = new Scratch(stack, room);
        try
        {
            var values = (Value*)scratch.Take(arguments.Length * sizeof(Value));
            for (var k = 0; k < arguments.Length; k++)
                Convert(in arguments[k], ref values[k], ref scratch);
            long produced = 0;
            Check(Native.shim_call(op, values, arguments.Length, results, MostResults, &produced));
            // The handles above are borrowed: their owners must outlive the call.
            for (var k = 0; k < arguments.Length; k++)
                GC.KeepAlive(arguments[k].Reference);
        }
        finally
        {
            scratch.Dispose();
        }
    }

    private static nint Find(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        Check(Native.shim_find_operator("aten::" + (dot < 0 ? name : name[..dot]), dot < 0 ? "" : name[(dot + 1)..], out var op));
        return Operators.GetOrAdd(name, op);
    }

    private static void Convert(in Arg argument, ref Value value, ref Scratch scratch)
    {
        value.Kind = argument.Kind;
        value.Integer = argument.Integer;
        switch (argument.Kind)
        {
            case Kind.Tensor:
                value.Pointer = ((Tensor)argument.Reference!).Handle;
                break;
            case Kind.Double:
                value.Number = argument.Number;
                break;
            case Kind.Complex:
                value.Number = argument.Number;
                value.Imaginary = argument.Imaginary;
                break;
            case Kind.IntList:
                Copy<long>((long[])argument.Reference!, ref value, ref scratch);
                break;
            case Kind.DoubleList:
                Copy<double>((double[])argument.Reference!, ref value, ref scratch);
                break;
            case Kind.TensorList or Kind.OptionalTensorList:
                var tensors = (Tensor?[])argument.Reference!;
                var handles = (nint*)scratch.Take(tensors.Length * sizeof(nint));
                for (var k = 0; k < tensors.Length; k++)
                    handles[k] = tensors[k]?.Handle ?? 0;
                (value.Pointer, value.Count) = ((nint)handles, tensors.Length);
                break;
            case Kind.String:
                Copy<byte>(Encoding.UTF8.GetBytes((string)argument.Reference!), ref value, ref scratch);
                break;
            case Kind.Device:
                var device = (Device)argument.Reference!;
                (value.Integer, value.Count) = ((long)device.type, device.index);
                break;
            case Kind.Generator:
                value.Pointer = ((Generator)argument.Reference!).Handle;
                break;
        }
    }

    private static void Copy<T>(ReadOnlySpan<T> items, ref Value value, ref Scratch scratch) where T : unmanaged
    {
        var place = scratch.Take(items.Length * sizeof(T));
        items.CopyTo(new Span<T>(place, items.Length));
        (value.Pointer, value.Count) = ((nint)place, items.Length);
    }
}
