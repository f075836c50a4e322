using System.CommandLine;

namespace FedLora.Cli.Commands.Privacy;

/// <summary><c>fedlora privacy</c>: what training costs, what a budget allows, what was spent.</summary>
internal static class PrivacyCommand
{
    public static Command Create() => new("privacy", "Differential privacy: what training costs, what a budget allows, what was spent.")
    {
        EpsilonCommand.Create(),
        NoiseCommand.Create(),
        StepsCommand.Create(),
        LedgerCommand.Create(),
        WhatIfCommand.Create(),
        StatementCommand.Create(),
        AuditCommand.Create(),
    };
}
