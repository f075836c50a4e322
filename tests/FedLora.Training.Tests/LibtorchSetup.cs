using System.Runtime.CompilerServices;
using FedLora.Training.Models;

namespace FedLora.Training.Tests;

/// <summary>Tests use TorchSharp before they use the engine, whose module says where libtorch lies.</summary>
internal static class LibtorchSetup
{
    [ModuleInitializer]
    internal static void Run() => RuntimeHelpers.RunModuleConstructor(typeof(BaseModel).Module.ModuleHandle);
}
