using System.Reflection;
using FedLora.Dashboard.Access;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FedLora.Dashboard.Pages;

/// <summary>Components to HTML, whole and on the server: what a page says does not wait for a script.</summary>
internal sealed class PageRenderer(ILoggerFactory logging)
{
    /// <summary>A page for whoever asks.</summary>
    /// <param name="http">The request.</param>
    /// <param name="parameters">The component's parameters, an anonymous object; <c>Viewer</c> is added.</param>
    /// <param name="status">HTTP's.</param>
    internal async Task<IResult> PageAsync<T>(HttpContext http, object? parameters = null, int status = StatusCodes.Status200OK)
        where T : IComponent
    {
        var given = new Dictionary<string, object?>(StringComparer.Ordinal) { ["Viewer"] = Viewer.Of(http) };
        foreach (var property in parameters?.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance) ?? [])
            given[property.Name] = property.GetValue(parameters);
        await using var renderer = new HtmlRenderer(http.RequestServices, logging);
        var html =
            await renderer.Dispatcher.InvokeAsync(async () =>
                (await renderer.RenderComponentAsync<T>(ParameterView.FromDictionary(given))).ToHtmlString());
        return Results.Content(html, "text/html; charset=utf-8", statusCode: status);
    }

    /// <summary>What is wrong, and what to do.</summary>
    internal Task<IResult> ProblemAsync(HttpContext http, int status, string title, string text) =>
        PageAsync<ProblemPage>(http, new { Title = title, Text = text }, status);
}
