using Grpc.Core;
using Grpc.Net.Internal;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Endpoints of a service whose messages need not be known.</summary>
internal interface IServiceEndpoints
{
    List<IEndpointConventionBuilder> Built { get; }

    HashSet<string> ServiceNames { get; }
}

/// <summary>Answers calls of services and methods that do not exist with UNIMPLEMENTED; other requests on these paths are not touched.</summary>
internal sealed class MappedServices
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    public void AddUnimplemented(IEndpointRouteBuilder routes, IServiceEndpoints service)
    {
        if (_names.Count == 0) service.Built.Add(Map(routes, "{service}/{method}", "Service is unimplemented."));
        foreach (var name in service.ServiceNames.Where(_names.Add))
        {
            service.Built.Add(Map(routes, $"{name}/{{method}}", "Method is unimplemented."));
        }
    }

    private static IEndpointConventionBuilder Map(IEndpointRouteBuilder routes, string pattern, string detail)
    {
        var onlyCalls = new RouteValueDictionary { ["method"] = new IsCall() };
        return routes.Map(RoutePatternFactory.Parse(pattern, defaults: null, parameterPolicies: onlyCalls), http =>
        {
            http.Response.ContentType = Headers.ContentType;
            ResponseStatus.Write(http.Response, new Status(StatusCode.Unimplemented, detail));
            return Task.CompletedTask;
        });
    }

    private sealed class IsCall : IRouteConstraint
    {
        public bool Match(HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) =>
            httpContext is not null && HttpMethods.IsPost(httpContext.Request.Method) && Headers.IsGrpc(httpContext.Request.ContentType);
    }
}
