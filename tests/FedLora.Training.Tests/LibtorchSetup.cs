using System.Runtime.CompilerServices;
using FedLora.Training.Libtorch;

namespace FedLora.Training.Tests;

/// <summary>Tests use TorchSharp before they use the engine, which says where libtorch lies.</summary>
internal static class LibtorchSetup
{
    [ModuleInitializer]
    internal static void Run() => LibtorchLoader.EnsureLoaded();
}
