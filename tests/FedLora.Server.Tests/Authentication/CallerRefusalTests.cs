using FedLora.Grains;
using FedLora.Server.Authentication;
using FedLora.Server.Hosting;
using FedLora.Server.Services;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Tests.Authentication;

/// <summary>Whose connection is ended with a call that is turned away: other calls may be on their way over it.</summary>
public sealed class CallerRefusalTests
{
    public static TheoryData<Exception, bool> Failures => new()
    {
        { new RefusedException(RefusalCodes.NodeRevoked, "revoked", ""), true },
        { new RefusedException(RefusalCodes.CertificateExpired, "expired", ""), true },
        { new RefusedException(RefusalCodes.NodeUnknown, "unknown", ""), true },
        { new RefusedException(RefusalCodes.RoleInsufficient, "not this call", ""), false },
        { new RefusedException(RefusalCodes.DatabaseAway, "away", ""), false },
        { new OperationCanceledException(), false },
        { new TimeoutException(), false },
        { new SiloUnavailableException(), false },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_connection_is_ended_with_its_identity_and_not_with_a_call(Exception failure, bool isEnded)
    {
        const string Scheme = "peer";
        var connection = new Connection();
        var services = new ServiceCollection().AddSingleton<IAuthenticationService>(new Failing(failure));
        var http = new DefaultHttpContext { RequestServices = services.BuildServiceProvider() };
        http.Features.Set<IConnectionLifetimeNotificationFeature>(connection);
        (http.Request.Scheme, http.Request.ContentType) = ("https", "application/grpc");
        var refusal = new CallerRefusal(new CallFailures(Options.Create(new ServerOptions()), NullLogger<CallFailures>.Instance));
        await refusal.HandleAsync(_ => throw new InvalidOperationException("it was let in"), http,
            new AuthorizationPolicyBuilder(Scheme).RequireAuthenticatedUser().Build(), PolicyAuthorizationResult.Challenge());
        Assert.Equal(isEnded, connection.IsEnded);
        Assert.NotEqual("0", http.Response.Headers["grpc-status"].ToString());
    }

    private sealed class Connection : IConnectionLifetimeNotificationFeature
    {
        public bool IsEnded { get; private set; }

        public CancellationToken ConnectionClosedRequested { get; set; }

        public void RequestClose() => IsEnded = true;
    }

    private sealed class Failing(Exception failure) : IAuthenticationService
    {
        public Task<AuthenticateResult> AuthenticateAsync(HttpContext context, string? scheme) =>
            Task.FromResult(AuthenticateResult.Fail(failure));

        public Task ChallengeAsync(HttpContext context, string? scheme, AuthenticationProperties? properties) => throw failure;

        public Task ForbidAsync(HttpContext context, string? scheme, AuthenticationProperties? properties) => throw failure;

        public Task SignInAsync(HttpContext context, string? scheme, System.Security.Claims.ClaimsPrincipal principal,
            AuthenticationProperties? properties) => throw failure;

        public Task SignOutAsync(HttpContext context, string? scheme, AuthenticationProperties? properties) => throw failure;
    }
}
