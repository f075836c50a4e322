using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;

namespace FedLora.Server.Authentication;

/// <summary>Who calls, and who may call what.</summary>
internal static class AuthenticationSetup
{
    internal static IServiceCollection AddCoordinatorAuthentication(this IServiceCollection services)
    {
        services.AddSingleton<OpenCalls>();
        services.AddSingleton<CertificateHolders>();
        services.AddSingleton<ICertificateHolders>(provider => provider.GetRequiredService<CertificateHolders>());
        services.AddAuthentication()
            .AddScheme<AuthenticationSchemeOptions, CertificateHandler>(Schemes.Certificate, null)
            .AddScheme<AuthenticationSchemeOptions, NodeCredentialHandler>(Schemes.NodeCredential, null)
            .AddScheme<AuthenticationSchemeOptions, AccessTokenHandler>(Schemes.AccessToken, null);
        services.AddAuthorizationBuilder()
            .AddPolicy(Policies.Node,
                policy => policy.AddAuthenticationSchemes(Schemes.Certificate, Schemes.NodeCredential).RequireRole(Roles.Node))
            .AddPolicy(Policies.Operator,
                policy => policy.AddAuthenticationSchemes(Schemes.Certificate, Schemes.AccessToken).RequireRole(Roles.Operator))
            .AddPolicy(Policies.Reader,
                policy => policy.AddAuthenticationSchemes(Schemes.Certificate, Schemes.AccessToken)
                    .RequireRole(Roles.Operator, Roles.Auditor));
        return services.AddSingleton<IAuthorizationMiddlewareResultHandler, CallerRefusal>();
    }
}
