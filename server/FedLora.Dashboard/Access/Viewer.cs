using System.Security.Claims;
using Microsoft.AspNetCore.Http;

namespace FedLora.Dashboard.Access;

/// <summary>Who looks at a page.</summary>
/// <param name="Role">Empty: nobody who is logged in.</param>
/// <param name="FormToken">What the page's forms carry.</param>
/// <param name="Name">As people call whoever is in by certificate; empty: by a link.</param>
public sealed record Viewer(string Role, string FormToken, string Name)
{
    /// <summary>May look.</summary>
    public bool CanRead => Role.Length > 0;

    /// <summary>May change something.</summary>
    public bool CanAct => Role == Roles.Operator;

    /// <summary>Who looks at the page of this request, which is on its way.</summary>
    internal static Viewer Of(HttpContext context)
    {
        var user = context.User;
        var role = RoleOf(user);
        return new Viewer(role, role.Length > 0 ? FormSecret.Token(context) : "",
            user.FindFirstValue(ClaimTypes.Name) ?? "");
    }

    /// <summary>operator, auditor, or empty.</summary>
    internal static string RoleOf(ClaimsPrincipal user) =>
        user.IsInRole(Roles.Operator) ? Roles.Operator : user.IsInRole(Roles.Auditor) ? Roles.Auditor : "";

    /// <summary>Whether it is the browser's certificate that lets in.</summary>
    internal static bool IsByCertificate(HttpContext context) => context.User.Identity?.AuthenticationType == Door.ByCertificate;
}
