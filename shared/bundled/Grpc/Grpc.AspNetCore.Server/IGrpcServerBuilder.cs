using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server;

/// <summary>Where options of single services are added.</summary>
public interface IGrpcServerBuilder
{
    IServiceCollection Services { get; }
}
