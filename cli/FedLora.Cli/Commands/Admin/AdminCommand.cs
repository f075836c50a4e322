using System.CommandLine;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin</c>: what operators do at a running coordinator.</summary>
internal static class AdminCommand
{
    public static Command Create()
    {
        var command = new Command("admin", "Operate a running coordinator: tokens, nodes, federations, results.")
        {
            new Command("token", "Join tokens for new nodes, operators and auditors.")
            {
                TokenCreateCommand.Create(),
                TokenListCommands.List(),
                TokenListCommands.Revoke(),
            },
            new Command("node", "Enrolled training nodes.")
            {
                NodeListCommand.Create(),
                NodeShowCommand.Create(),
                NodeRenameCommand.Create(),
                NodeRevokeCommand.Create(),
                NodeReadmitCommand.Create(),
                NodeDeleteCommand.Create(),
            },
            new Command("access", "Who operates and audits.") { AccessCommands.List(), AccessCommands.Revoke() },
            JoinCommand.Create(),
            new Command("federation", "Fine-tuning jobs.")
            {
                FederationCreateCommand.Create(),
                FederationFileCommands.Validate(),
                FederationFileCommands.Explain(),
                FederationFileCommands.Schema(),
                FederationCareCommands.Update(),
                FederationCareCommands.Clone(),
                FederationCareCommands.Delete(),
                FederationStateCommand.Start(),
                FederationStateCommand.Pause(),
                FederationStateCommand.Stop(),
                FederationShowCommand.Create(),
                FederationListCommand.Create(),
                FederationWatchCommand.Create(),
            },
            EventsCommand.Create(),
            new Command("audit", "The log of what happened and who did it.") { AuditVerifyCommand.Create() },
            DashboardLinkCommand.Create(),
            BrowserCertificateCommand.Create(),
            ExportCommand.Create(),
            ReplayCommand.Create(),
            DiskCommands.Disk(),
            DiskCommands.Gc(),
            BackupCommands.Backup(),
            BackupCommands.Restore(),
            BackupCommands.Move(),
        };
        foreach (var option in Operator.Options)
            command.Options.Add(option);
        return command;
    }
}
