namespace TorchSharp;

public enum DeviceType
{
    CPU = 0,
    CUDA = 1,
    META = 14,
}

public static partial class torch
{
    /// <summary>Where a tensor lives; index -1 is the current device of its kind.</summary>
    public class Device
    {
        public Device(string description)
        {
            var parts = description.Split(':');
            type = Parse(parts[0]);
            index = parts.Length == 2 ? int.Parse(parts[1]) : -1;
        }

        public Device(string deviceType, int index = -1) => (type, this.index) = (Parse(deviceType), index);

        public Device(DeviceType deviceType, int index = -1) => (type, this.index) = (deviceType, index);

        public Device(int index) => (type, this.index) = (DeviceType.CUDA, index);

        public DeviceType type { get; private set; }

        public int index { get; private set; }

        public override string ToString() =>
            type == DeviceType.CPU ? "cpu" : index == -1 ? type.ToString().ToLowerInvariant() : $"{type.ToString().ToLowerInvariant()}:{index}";

        public static implicit operator Device(string description) => new(description);

        private static DeviceType Parse(string name) => Enum.Parse<DeviceType>(name.ToUpperInvariant());
    }

    public static readonly Device CPU = new(DeviceType.CPU);

    public static readonly Device META = new(DeviceType.META);

    public static Device CUDA => InitializeDevice(new Device(DeviceType.CUDA));

    public static Device device(string description) => InitializeDevice(new Device(description));

    public static Device device(string deviceType, int index = -1) => InitializeDevice(new Device(deviceType, index));

    public static Device device(DeviceType deviceType, int index = -1) => InitializeDevice(new Device(deviceType, index));

    public static Device device(int index) => new(DeviceType.CUDA, index);

    /// <summary>The device itself, or the default one for null; throws where this libtorch cannot serve it.</summary>
    public static Device InitializeDevice(Device? device)
    {
        device ??= get_default_device();
        InitializeDeviceType(device.type);
        return device;
    }

    public static void InitializeDeviceType(DeviceType deviceType)
    {
        if (!TryInitializeDeviceType(deviceType))
            throw new InvalidOperationException($"Torch device type {deviceType} did not initialise on the current machine.");
    }

    public static bool TryInitializeDeviceType(DeviceType deviceType) => deviceType != DeviceType.CUDA || cuda.is_available();
}
