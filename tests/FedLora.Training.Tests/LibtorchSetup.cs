using System.Runtime.CompilerServices;

namespace FedLora.Training.Tests;

/// <summary>Tests use TorchSharp before they use the engine, whose module says where libtorch lies.</summary>
internal static class LibtorchSetup
{
    [ModuleInitializer]
    internal static void Run() => Libtorch.LibtorchLoader.EnsureLoaded();
}
