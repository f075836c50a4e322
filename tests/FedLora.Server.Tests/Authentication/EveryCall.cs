using System.Reflection;
using FedLora.Protocol.V1;
using Google.Protobuf.Reflection;

namespace FedLora.Server.Tests.Authentication;

/// <summary>Every call of every service in proto/, as the generated code describes them.</summary>
internal static class EveryCall
{
    internal static IReadOnlyList<MethodDescriptor> All { get; } =
    [
        .. typeof(EnrolRequest).Assembly.GetTypes()
            .Select(type => type.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static))
            .Where(property => property?.PropertyType == typeof(FileDescriptor))
            .SelectMany(property => ((FileDescriptor)property!.GetValue(null)!).Services)
            .SelectMany(service => service.Methods),
    ];
}
