using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Federations.Files;

namespace FedLora.Cli.Commands.Admin;

/// <summary>What can be said of federation files without a coordinator: <c>fedlora admin federation explain|schema</c>.</summary>
internal static class FederationFileCommands
{
    public static Command Explain()
    {
        var file = new Option<string>("--file", "-f") { Description = "YAML file with the federation's definition.", Required = true };
        return new Command("explain", "Check a federation's file and print all that holds, defaults too, as a file that reads to the same.") { file }.Writes(typeof(ExplainedJson)).Runs((parsed, output, _) =>
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
