using FedLora.Dashboard.Pages;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FedLora.Dashboard.Access;

/// <summary>
/// Logging in and out. The link shows a button and uses nothing up: who only fetches it (a mail filter, a preview) does not open the
/// session, and the cookie, which other sites' requests never carry
/// (SameSite=Strict), is set by a form of this one.
/// </summary>
internal static class SignInEndpoints
{
    internal static void Map(IEndpointRouteBuilder web)
    {
        web.MapGet("/sign-in", (HttpContext http, PageRenderer renderer, string? code) =>
            renderer.PageAsync<SignInPage>(http, new { Code = code ?? "", Secure = http.Request.IsHttps })).AllowAnonymous();
        web.MapPost("/sign-in", SignInAsync).AllowAnonymous();
        web.MapPost("/sign-out", SignOutAsync).RequireAuthorization(DashboardPolicies.Read).AddEndpointFilter<FormGuard>();
    }

    private static async Task<IResult> SignInAsync(HttpContext http, IGrainFactory grains, PageRenderer renderer)
    {
        var code = http.Request.HasFormContentType ? (await http.Request.ReadFormAsync(http.RequestAborted))["code"].ToString() : "";
        try
        {
            var session = await grains.GetGrain<ISessionsGrain>(ISessionsGrain.Key).OpenAsync(code, http.RequestAborted);
            SessionCookie.Write(http, session.Secret, session.ExpiresAt);
            return Go.To("/privacy");
        }
        catch (RefusedException refused)
        {
            return await renderer.ProblemAsync(http, StatusCodes.Status401Unauthorized, refused.Message, refused.Hint);
        }
    }

    private static async Task<IResult> SignOutAsync(HttpContext http, IGrainFactory grains)
    {
        if (SessionCookie.Read(http.Request) is { } secret)
            await grains.GetGrain<ISessionsGrain>(ISessionsGrain.Key).CloseAsync(secret, http.RequestAborted);
        SessionCookie.Delete(http);
        return Go.To("/sign-in");
    }
}
