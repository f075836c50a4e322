namespace TorchSharp;

public static partial class torch
{
    public static Tensor as_tensor(Tensor data, ScalarType? dtype = null, Device? device = null)
    {
        var type = dtype ?? data.dtype;
        var place = device ?? data.device;
        return type == data.dtype && place.type == data.device_type ? data.alias() : data.to(type, place).requires_grad_(data.requires_grad);
    }

    public static Tensor as_tensor(IList<bool> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(bool[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);

    public static Tensor as_tensor(IList<byte> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(byte[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);

    public static Tensor as_tensor(IList<sbyte> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(sbyte[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);

    public static Tensor as_tensor(IList<short> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(short[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);

    public static Tensor as_tensor(IList<int> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(int[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);

    public static Tensor as_tensor(IList<long> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(long[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);

    public static Tensor as_tensor(IList<float> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(float[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);

    public static Tensor as_tensor(IList<double> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(double[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);

    public static Tensor as_tensor(IList<BFloat16> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(BFloat16[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);

    public static Tensor as_tensor(Array data, ScalarType? dtype = null, Device? device = null) => from_array(data, dtype, device, false);
}
