using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Federations.Files;
using FedLora.Training.Preparation;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary>What can be said of federation files without a coordinator: <c>fedlora admin federation validate|explain|schema</c>.</summary>
internal static class FederationFileCommands
{
    public static Command Validate()
    {
        var file = new Option<string>("--file", "-f") { Description = "YAML file with the federation's definition.", Required = true };
        var model =
            new Option<string?>("--model")
            {
                Description = "Your copy of the base model: checks against it too, as creation does; default: base_model of the file.",
            };
        return new Command("validate",
            "Check a federation's file, and with a base model all that creation checks, without a coordinator.") { file,
                model }.Writes(typeof(ValidatedJson)).Runs((parsed, output, cancellationToken) =>
        {
            var definition = FederationFile.Load(parsed.GetValue(file)!);
            var folder = parsed.GetValue(model) ?? (Directory.Exists(definition.ModelFolder) ? definition.ModelFolder : null);
            var remarks = folder is null ? ["not checked against a base model: give --model DIR"]
                : FederationPreparation.Prepare(definition.Definition, folder, definition.PublicData, cancellationToken).Remarks;
            foreach (var remark in remarks)
                output.Remark(remark);
            output.Result(new ValidatedJson(true, definition.Definition.Name, folder, [.. remarks]), console =>
                console.WriteLine($"{parsed.GetValue(file)} holds."));
            return Task.CompletedTask;
        });
    }

    public static Command Explain()
    {
        var file = new Option<string>("--file", "-f") { Description = "YAML file with the federation's definition.", Required = true };
        return new Command("explain", "Check a federation's file and print all that holds, defaults too, as a file that reads to the same.")
        {
            file,
        }.Writes(typeof(ExplainedJson)).Runs((parsed, output, _) =>
        {
            using var text = new StringWriter { NewLine = "\n" };
            FederationFile.Load(parsed.GetValue(file)!).Explain(text);
            output.Result(new ExplainedJson(text.ToString()), console => console.Profile.Out.Writer.Write(text));
            return Task.CompletedTask;
        });
    }

    public static Command Schema() =>
        new Command("schema", "Print the JSON schema of federation files, for editors.").Writes(typeof(SchemaJson)).Runs((_, output, _) =>
        {
            output.Result(new SchemaJson(FederationSchema.Text()), console => console.Profile.Out.Writer.Write(FederationSchema.Text()));
            return Task.CompletedTask;
        });
}

/// <param name="Yaml">A file that says all that holds.</param>
internal sealed record ExplainedJson(string Yaml);

/// <param name="Schema">The JSON schema's text.</param>
internal sealed record SchemaJson(string Schema);

/// <summary>What a check found, as <c>--json</c> shows it.</summary>
internal sealed record ValidatedJson(bool Valid, string Name, string? BaseModel, IReadOnlyList<string> Remarks);
