using System.Text;
using FedLora.Cli.Commands;
using FedLora.Client.Hosting;
using FedLora.Privacy.Ledger;
using FedLora.Simulations.Scenarios;
using FedLora.Tests;

namespace FedLora.Cli.Tests;

/// <summary>The pages that tell every setting of a file are made of what --help and the readers know; FEDLORA_UPDATE_SNAPSHOTS=1 writes
/// them.</summary>
public sealed class SettingPagesTests : IDisposable
{
    private const string Mark = "<!-- generated from here on -->\n";
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void The_page_of_a_site_tells_every_setting_of_its_files()
    {
        var page = new StringBuilder("\n## The site's file, `--config`\n\n| key | option | meaning |\n|---|---|---|\n");
        foreach (var option in FedLoraCommand.Root.Subcommands.Single(command => command.Name == "client").Options
            .Where(option => !option.Hidden && option.Name is not ("--config" or "--json" or "--help")))
        {
            var key = option.Name[2..].Replace('-', '_');
            page.Append($"| {(IsInFile(key) ? $"`{key}`" : "")} | `{option.Name}` | {option.Description} |\n");
        }

        page.Append("\n## The site's policy, `--policy`\n\n| key | may be | meaning |\n|---|---|---|\n");
        foreach (var (key, mayBe, meaning) in SitePolicy.Described)
            page.Append($"| `{key}` | {mayBe} | {meaning} |\n");
        Require("site.md", page.ToString());
    }

    [Fact]
    public void The_page_of_a_scenario_tells_every_setting() => Require("scenario.md", ScenarioFile.Tables());

    // A key that the file does not know is refused by name, whatever it says.
    private bool IsInFile(string key)
    {
        try
        {
            ClientConfigFile.Load(_scratch.File("site.yaml", $"{key}: 1\n"));
            return true;
        }
        catch (FedLoraException error) when (error.Message.Contains($"unknown key '{key}'", StringComparison.Ordinal))
        {
            return false;
        }
        catch (FedLoraException)
        {
            return true;
        }
    }

    private static void Require(string name, string tables)
    {
        var file = Path.Combine(Fixtures.Repository, "docs", name);
        var text = File.ReadAllText(file);
        var expected = text[..(text.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length)] + tables;
        if (Environment.GetEnvironmentVariable("FEDLORA_UPDATE_SNAPSHOTS") == "1")
            File.WriteAllText(file, expected);
        Assert.Equal(expected, File.ReadAllText(file));
    }
}
