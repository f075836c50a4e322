using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FedLora.Dashboard.Hosting;

/// <summary>Style, script and icon, from this assembly. Their addresses name their content, so that browsers keep them for good.</summary>
internal static class PageFiles
{
    private static readonly Dictionary<string, (byte[] Bytes, string Type, string Hash)> Files = ((string Name, string Type)[])
        [("style.css", "text/css; charset=utf-8"), ("live.js", "text/javascript; charset=utf-8"),
            ("icon.svg", "image/svg+xml")] is var files
        ? files.ToDictionary(file => file.Name, file => Read(file.Name, file.Type), StringComparer.Ordinal) : [];

    /// <summary>Where a page finds a file.</summary>
    internal static string Url(string name) => $"/assets/{name}?v={Files[name].Hash}";

    internal static void Map(IEndpointRouteBuilder web) => web.MapGet("/assets/{name}", (HttpContext http, string name) =>
    {
        if (!Files.TryGetValue(name, out var file))
            return Results.NotFound();
        http.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
        return Results.Bytes(file.Bytes, file.Type);
    }).AllowAnonymous();

    private static (byte[] Bytes, string Type, string Hash) Read(string name, string type)
    {
        using var stream = typeof(PageFiles).Assembly.GetManifestResourceStream($"assets/{name}")!;
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        var bytes = memory.ToArray();
        return (bytes, type, Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]);
    }
}
