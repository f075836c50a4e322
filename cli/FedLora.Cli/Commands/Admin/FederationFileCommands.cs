using System.CommandLine;
using FedLora.Federations.Files;

namespace FedLora.Cli.Commands.Admin;

/// <summary>What can be said of federation files without a coordinator: <c>fedlora admin federation explain|schema</c>.</summary>
internal static class FederationFileCommands
{
    public static Command Explain()
    {
        var file = new Option<string>("--file", "-f") { Description = "YAML file with the federation's definition.", Required = true };
        return new Command("explain", "Check a federation's file and print all that holds, defaults too, as a file that reads to the same.") { file }.Runs((parsed, output, _) =>
        {
            using var text = new StringWriter { NewLine = "\n" };
            FederationFile.Load(parsed.GetValue(file)!).Explain(text);
            output.Result(new { yaml = text.ToString() }, console => console.Profile.Out.Writer.Write(text));
            return Task.CompletedTask;
        });
    }

    public static Command Schema() =>
        new Command("schema", "Print the JSON schema of federation files, for editors.").Runs((_, output, _) =>
        {
            output.Result(new { schema = FederationSchema.Text() }, console => console.Profile.Out.Writer.Write(FederationSchema.Text()));
            return Task.CompletedTask;
        });
}
