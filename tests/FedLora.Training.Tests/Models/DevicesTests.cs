using FedLora.Training.Models;
using TorchSharp;

namespace FedLora.Training.Tests.Models;

public sealed class DevicesTests
{
    [Fact]
    public void The_device_is_said_and_why_it_is_not_the_other()
    {
        Assert.Equal("computes on the CPU, as asked", Devices.Explain("cpu"));
        Assert.StartsWith(torch.cuda.is_available() ? "computes on the GPU" : "computes on the CPU: ", Devices.Explain("auto"),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_GPU_that_is_not_there_is_an_error_and_not_the_CPU()
    {
        Assert.SkipWhen(torch.cuda.is_available(), "a GPU is here");
        Assert.Equal("device-missing", Assert.Throws<FedLoraException>(() => Devices.Explain("cuda")).Code);
    }
}
