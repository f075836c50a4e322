using Microsoft.AspNetCore.Http;

namespace FedLora.Dashboard.Access;

/// <summary>Who looks at a page.</summary>
/// <param name="Role">Empty: nobody who is logged in.</param>
/// <param name="FormToken">What the page's forms carry.</param>
public sealed record Viewer(string Role, string FormToken)
{
    public bool CanRead => Role.Length > 0;

    public bool CanAct => Role == Roles.Operator;

    internal static Viewer Of(HttpContext context)
    {
        var user = context.User;
        var role = user.IsInRole(Roles.Operator) ? Roles.Operator : user.IsInRole(Roles.Auditor) ? Roles.Auditor : "";
        return new Viewer(role, role.Length > 0
            && SessionCookie.Read(context.Request) is { } secret ? SessionCookie.FormToken(secret) : "");
    }
}
