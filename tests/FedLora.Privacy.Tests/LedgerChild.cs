using FedLora.Privacy.Ledger;

namespace FedLora.Privacy.Tests;

/// <summary>The node that is killed: the test assembly, run as a program.</summary>
internal static class LedgerChild
{
    public const string Verb = "spend-until-killed";

    public static int Main(string[] args)
    {
        if (args is not [Verb, var folder])
            return 0;
        using var ledger = PrivacyLedger.Open(folder);
        var data = ledger.Identify(LedgerTests.Lines("a", "b"));
        for (var round = 1; round < 1_000_000; round++)
        {
            ledger.Spend(data, "mail", round, new SampledGaussian(1, 1, 1), 1, new PrivacyLimit(null, 1e-5));
            Console.WriteLine("drawn");
        }
        return 1;
    }
}
