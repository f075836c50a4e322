using System.Diagnostics;
using System.Globalization;
using FedLora.Privacy.Ledger;
using Xunit.MicrosoftTestingPlatform;

namespace FedLora.Privacy.Tests;

/// <summary>The node that is killed: the test assembly, run as a program; without one of its verbs it runs the tests.</summary>
internal static class LedgerChild
{
    public const string Verb = "spend-until-killed";
    public const string FatalVerb = "die-at-write";

    public static async Task<int> Main(string[] args)
    {
        if (args is [Verb, var folder])
        {
            using var ledger = PrivacyLedger.Open(folder);
            return Spend(ledger, 1_000_000) ? 1 : 0;
        }
        if (args is [FatalVerb, var home, var fatal, var share])
        {
            using var disk = DiskLedgerStorage.Open(home);
            using var ledger = PrivacyLedger.Open(
                new Fatal(disk, home, int.Parse(fatal, CultureInfo.InvariantCulture), double.Parse(share, CultureInfo.InvariantCulture)));
            return Spend(ledger, 2) ? 0 : 1;
        }
        return await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions).ConfigureAwait(false);
    }

    private static bool Spend(PrivacyLedger ledger, int rounds)
    {
        var data = ledger.Identify(LedgerTests.Data, LedgerTests.Lines("a", "b"));
        for (var round = 1; round <= rounds; round++)
        {
            ledger.Spend(data, LedgerTests.Use("mail", round), new SampledGaussian(1, 1, 1), 1, new PrivacyLimit(null, 1e-5));
            Console.WriteLine("drawn");
        }
        return true;
    }

    /// <summary>
    /// The disk, until this process ends itself by SIGKILL: before a write, in its middle (where it is not atomic), or just after it.
    /// </summary>
    private sealed class Fatal(DiskLedgerStorage disk, string folder, int fatal, double share) : ILedgerStorage
    {
        private int _writes;

        public byte[]? Read(string name) => disk.Read(name);

        public IEnumerable<string> List(string folder) => disk.List(folder);

        public void Append(string name, ReadOnlySpan<byte> content)
        {
            if (_writes++ != fatal)
            {
                disk.Append(name, content);
                return;
            }
            if (share > 0)
                disk.Append(name, content[..(int)(content.Length * share)]);
            Die();
        }

        public void Replace(string name, ReadOnlySpan<byte> content)
        {
            if (_writes++ != fatal)
            {
                disk.Replace(name, content);
                return;
            }
            if (share == 1)
                disk.Replace(name, content);
            else if (share > 0)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, name))!);
                File.WriteAllBytes(Path.Combine(folder, name + ".tmp"), content[..(int)(content.Length * share)].ToArray());
            }
            Die();
        }

        public void Truncate(string name, long length)
        {
            if (_writes++ != fatal || share == 1)
                disk.Truncate(name, length);
            if (_writes - 1 == fatal)
                Die();
        }

        private static void Die()
        {
            Process.GetCurrentProcess().Kill();
            // It dies at once; if it did not, the test would see it end otherwise.
            Thread.Sleep(TimeSpan.FromMinutes(1));
        }
    }
}
