using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using FedLora.Cli.Commands;

namespace FedLora.Cli.Output;

/// <summary>
/// What <c>docs/json.schema.json</c> and the table of <c>docs/json.md</c> hold: made of the types that the commands write.
/// </summary>
public static class JsonPages
{
    private const string Stream = "one a line";

    // The keys of a federation's file have a schema of their own.
    private const string Settings = "federation.schema.json";

    private static readonly JsonSchemaExporterOptions Exporter = new() { TreatNullObliviousAsNonNullable = true };

    /// <summary>A JSON schema with one definition for each kind of document, by its command's words, and <c>error</c>.</summary>
    /// <param name="programs">Trees of commands.</param>
    public static string Schema(params IReadOnlyList<Command> programs)
    {
        var definitions = new JsonObject { ["error"] = Document(typeof(ErrorDocument)) };
        foreach (var (path, _, number, type) in Documents(programs))
            definitions[number == 0 ? path : $"{path} ({number + 1})"] = Document(type);
        var root = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "What FedLora's commands write under --json",
            [Json.VersionField] = Json.Version,
            ["$defs"] = definitions,
        };
        return root.ToJsonString(Json.Options) + "\n";
    }

    /// <summary>The table of all documents and their fields.</summary>
    public static string Table(params IReadOnlyList<Command> programs)
    {
        var page = new StringBuilder("| command | written | fields besides `version` |\n|---|---|---|\n");
        foreach (var (path, form, _, type) in Documents(programs))
            page.Append($"| `fedlora {path}` | {(form.IsStream ? Stream : "at the end")} | {Fields(type)} |\n");
        return page.ToString();
    }

    /// <summary>The commands that do something, with their words.</summary>
    public static IEnumerable<Command> Leaves(Command command)
    {
        var below = command.Subcommands.Where(known => !known.Hidden).SelectMany(Leaves);
        return command.Subcommands.Count == 0 || JsonForm.Of(command) is not null ? below.Prepend(command) : below;
    }

    private static IEnumerable<(string Path, JsonForm Form, int Number, Type Type)> Documents(IReadOnlyList<Command> programs) =>
        from command in programs.SelectMany(Leaves)
        let form = JsonForm.Of(command)
        where form is not null
        from document in form.Results.Index()
        select (string.Join(' ', command.Path()), form, document.Index, document.Item);

    private static string Fields(Type type) =>
        string.Join(", ",
            Document(type)["properties"]!.AsObject().Where(field => field.Key != Json.VersionField).Select(field => $"`{field.Key}`"));

    private static JsonObject Document(Type type)
    {
        var schema = Json.Options.GetJsonSchemaAsNode(type, Exporter).AsObject();
        var properties = schema["properties"]!.AsObject();
        properties.Insert(0, Json.VersionField, new JsonObject { ["const"] = Json.Version });
        if (properties.ContainsKey("settings"))
            properties["settings"] = new JsonObject
            {
                ["description"] = $"as in {Settings}, defaults too, without what every site has of its own",
            };
        if (schema["required"] is JsonArray required)
            required.Insert(0, Json.VersionField);
        return schema;
    }
}
