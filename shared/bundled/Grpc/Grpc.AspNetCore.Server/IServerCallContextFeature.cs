using Grpc.Core;

namespace Grpc.AspNetCore.Server;

/// <summary>The call that an HTTP request is, among the request's features.</summary>
public interface IServerCallContextFeature
{
    ServerCallContext ServerCallContext { get; }
}
