using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Client.Hosting;
using Spectre.Console;

namespace FedLora.Cli.Commands.Client;

/// <summary><c>fedlora client check</c>: whether this site would take part, in one list.</summary>
internal static class ClientCheckCommand
{
    public static Command Create() =>
        new Command("check",
            "Say whether this site would take part: its data, model, policy, budget, disk and coordinator, in one list. Takes the client's "
                + "settings, joins nothing and changes nothing; exit code 1 where something is not ready.")
            .TakesSettings().Writes(typeof(SiteCheckJson)).Answers(async (parsed, output, cancellationToken) =>
            {
                var findings = await new SiteCheck(ClientCommand.Options(parsed).AsEnrolled(), TimeProvider.System)
                    .RunAsync(cancellationToken);
                var isReady = findings.All(finding => finding.Ready);
                output.Result(new SiteCheckJson(isReady, findings), console => Show(console, findings));
                return isReady ? ExitCode.Success : ExitCode.Failure;
            });

    private static void Show(IAnsiConsole console, IReadOnlyList<SiteFinding> findings)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("", "ready", "found", "to do");
        foreach (var finding in findings)
            table.AddRow(finding.Part, finding.Ready ? "yes" : "no", Markup.Escape(finding.Says), Markup.Escape(finding.Do ?? ""));
        console.Write(table);
    }
}

/// <summary>What a site needs to take part, as <c>--json</c> shows it.</summary>
/// <param name="Ready">Whether everything is.</param>
/// <param name="Findings">One line for each part.</param>
internal sealed record SiteCheckJson(bool Ready, IReadOnlyList<SiteFinding> Findings);
