using Microsoft.AspNetCore.Http;

namespace FedLora.Dashboard.Federations;

/// <summary>A federation's file as a form sends it: chosen as a file, or written into the page.</summary>
internal static class DraftForm
{
    internal static async Task<string> YamlAsync(IFormCollection form, CancellationToken cancellationToken)
    {
        if (form.Files["file"] is not { Length: > 0 } file)
            return form["yaml"].ToString();
        using var reader = new StreamReader(file.OpenReadStream());
        return await reader.ReadToEndAsync(cancellationToken);
    }
}
