using System.Runtime.InteropServices;

namespace TorchSharp.Interop;

/// <summary>What a <see cref="Value"/> holds; the same numbers stand in native/shim.h.</summary>
internal enum Kind : long
{
    None, Tensor, Int, Double, Bool, Complex, IntList, TensorList, OptionalTensorList, String, Device, Generator, DoubleList,
}

/// <summary>One argument or result of an operator as the shim sees it; laid out as in native/shim.h.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct Value
{
    [FieldOffset(0)] internal Kind Kind;
    [FieldOffset(8)] internal long Integer;
    [FieldOffset(8)] internal double Number;
    [FieldOffset(8)] internal nint Pointer;
    [FieldOffset(16)] internal long Count;
    [FieldOffset(16)] internal double Imaginary;
}
