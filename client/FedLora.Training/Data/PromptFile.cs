using System.Text.Json;
using FedLora.Training.Data.Formats;

namespace FedLora.Training.Data;

/// <summary>
/// Texts to continue: of a <c>.txt</c> file each line that is not blank; of any other what is read as data is (JSON lines, CSV, TSV,
/// Parquet, packed too), the field <c>prompt</c> or else <c>text</c> of each row.
/// </summary>
public static class PromptFile
{
    private static readonly HashSet<string> Fields = new(["prompt", "text"], StringComparer.Ordinal);

    /// <summary>Reads all of them, in the file's order.</summary>
    /// <exception cref="FedLoraException"><c>data-missing</c>, <c>data-invalid</c> (names the line), <c>data-too-large</c>,
    /// <c>data-empty</c>.</exception>
    public static IReadOnlyList<string> Read(string path, CancellationToken cancellationToken)
    {
        var plain = Path.GetExtension(path).Equals(".txt", StringComparison.OrdinalIgnoreCase);
        var prompts = DataFormat.Read(path, Fields, cancellationToken).Where(line => !string.IsNullOrWhiteSpace(line.Text))
            .Select(line => line.Fault is { } fault ? throw Bad(line, fault) : plain ? line.Text : Of(line)).ToList();
        return prompts.Count > 0 ? prompts
            : throw new FedLoraException("data-empty", $"{path} holds no prompt.",
                "A line of a .txt file is one, or of a JSONL file an object such as {\"prompt\":\"...\"}.");
    }

    private static string Of(DataLine line)
    {
        try
        {
            using var document = JsonDocument.Parse(line.Text);
            foreach (var field in (string[])["prompt", "text"])
            {
                if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(field, out var value)
                    && value.ValueKind == JsonValueKind.String)
                    return value.GetString()!;
            }
            throw Bad(line, "has neither \"prompt\" nor \"text\"");
        }
        catch (JsonException)
        {
            throw Bad(line, "is not valid JSON");
        }
        catch (InvalidOperationException)
        {
            // What GetString says of an escaped lone surrogate.
            throw Bad(line, "holds half a surrogate pair");
        }
    }

    private static FedLoraException Bad(DataLine line, string what) =>
        new("data-invalid", $"{line.Place} {what}.", "Each row is {\"prompt\":\"...\"}; or give a .txt file with a prompt in each line.");
}
