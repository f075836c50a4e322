using System.Diagnostics;
using FedLora.Privacy.Ledger;

namespace FedLora.Privacy.Tests;

/// <summary>A node may die at any point: no noise may have been drawn that the ledger does not know.</summary>
public sealed class LedgerCrashTests
{
    private static readonly SampledGaussian Round = new(1, 0.01, 10);
    private static readonly PrivacyLimit None = new(null, 1e-5);

    [Fact]
    public void Dying_at_every_write_and_in_its_middle_only_over_counts()
    {
        var crashes = 0;
        foreach (var kept in new[] { 0.0, 0.5, 1.0 })
        {
            for (var fatal = 0; ; fatal++)
            {
                var disk = new MortalStorage { Fatal = fatal, Kept = kept };
                var drawn = 0;
                try
                {
                    var ledger = PrivacyLedger.Open(disk);
                    var data = ledger.Identify(LedgerTests.Data, LedgerTests.Lines("a", "b"));
                    for (var round = 1; round <= 3; round++)
                    {
                        ledger.Spend(data, LedgerTests.Use("mail", round), Round, 1, None);
                        drawn++; // Here the noise is drawn.
                    }
                }
                catch (PowerCutException)
                {
                    crashes++;
                }
                var survivor = new MortalStorage(disk);
                var reopened = PrivacyLedger.Open(survivor);
                Assert.InRange(reopened.Entries.Count, drawn, drawn + 1);
                // It goes on, and what it says holds at the next start too.
                reopened.Spend(reopened.Identify(LedgerTests.Data, LedgerTests.Lines("a", "b")), LedgerTests.Use("mail", 9), Round, 1,
                    None);
                Assert.Equal(reopened.Entries, PrivacyLedger.Open(new MortalStorage(survivor)).Entries);
                if (drawn == 3)
                    break;
            }
        }
        Assert.True(crashes >= 27, $"only {crashes} crashes were tried");
    }

    [Fact]
    public void A_killed_process_has_spent_all_that_it_drew()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"fedlora-ledger-{Guid.NewGuid():N}");
        try
        {
            var drawn = 0;
            for (var life = 0; life < 3; life++)
            {
                using var child = Process.Start(
                    new ProcessStartInfo("dotnet", [typeof(LedgerCrashTests).Assembly.Location, LedgerChild.Verb, folder])
                    {
                        RedirectStandardOutput = true,
                        UseShellExecute = false,
                    })!;
                for (var line = 0; line < 5 + life; line++)
                {
                    Assert.Equal("drawn", child.StandardOutput.ReadLine());
                    drawn++;
                }
                child.Kill(); // SIGKILL, wherever it is just now.
                drawn += child.StandardOutput.ReadToEnd().Split('\n').Count(word => word == "drawn");
                child.WaitForExit();
                using var ledger = PrivacyLedger.Open(folder);
                Assert.InRange(ledger.Entries.Count, drawn, drawn + life + 1);
            }
        }
        finally
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_process_that_is_killed_at_every_write_has_spent_all_that_it_drew()
    {
        var kills = 0;
        foreach (var share in new[] { "0", "0.5", "1" })
        {
            for (var fatal = 0; ; fatal++)
            {
                var folder = Directory.CreateTempSubdirectory("fedlora-ledger-").FullName;
                try
                {
                    using var child = Process.Start(
                        new ProcessStartInfo("dotnet",
                            [typeof(LedgerCrashTests).Assembly.Location, LedgerChild.FatalVerb, folder, $"{fatal}", share])
                        {
                            RedirectStandardOutput = true,
                            UseShellExecute = false,
                        })!;
                    var drawn = child.StandardOutput.ReadToEnd().Split('\n').Count(word => word == "drawn");
                    child.WaitForExit();
                    using var ledger = PrivacyLedger.Open(folder);
                    Assert.InRange(ledger.Entries.Count, drawn, drawn + 1);
                    ledger.Spend(ledger.Identify(LedgerTests.Data, LedgerTests.Lines("a", "b")), LedgerTests.Use("mail", 9), Round, 1,
                        None);
                    if (child.ExitCode == 0)
                    {
                        Assert.Equal(2, drawn);
                        break;
                    }
                    Assert.Equal(137, child.ExitCode);
                    kills++;
                }
                finally
                {
                    Directory.Delete(folder, recursive: true);
                }
            }
        }
        // Empty file, head, key, signing key, data set and its name; then entry and head of two rounds.
        Assert.Equal(3 * 10, kills);
    }

    [Fact]
    public void Another_process_is_refused_while_one_spends()
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-ledger-").FullName;
        try
        {
            using var child = Process.Start(
                new ProcessStartInfo("dotnet", [typeof(LedgerCrashTests).Assembly.Location, LedgerChild.Verb, folder])
                {
                    RedirectStandardOutput = true,
                    UseShellExecute = false,
                })!;
            Assert.Equal("drawn", child.StandardOutput.ReadLine());
            Assert.Equal("ledger-in-use", Assert.Throws<FedLoraException>(() => PrivacyLedger.Open(folder)).Code);
            using (var reader = PrivacyLedger.Read(folder))
                Assert.NotEmpty(reader.Entries);
            child.Kill();
            child.WaitForExit();
            using var ledger = PrivacyLedger.Open(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Where_a_lock_does_not_lock_nothing_is_spent()
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-ledger-").FullName;
        try
        {
            using var child = Process.Start(
                new ProcessStartInfo("dotnet", [typeof(LedgerCrashTests).Assembly.Location, LedgerChild.FatalVerb, folder, "-1", "0"])
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                    UseShellExecute = false,
                    Environment = { ["DOTNET_SYSTEM_IO_DISABLEFILELOCKING"] = "1" },
                })!;
            var said = child.StandardError.ReadToEnd();
            Assert.DoesNotContain("drawn", child.StandardOutput.ReadToEnd(), StringComparison.Ordinal);
            child.WaitForExit();
            Assert.Contains("file locks do not work in", said, StringComparison.Ordinal);
            Assert.NotEqual(0, child.ExitCode);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void After_a_write_that_failed_nothing_more_is_written_until_the_ledger_is_opened_again()
    {
        var disk = new MortalStorage { Fatal = 8, Kept = 0.5 };
        var ledger = PrivacyLedger.Open(disk);
        var data = ledger.Identify(LedgerTests.Data, LedgerTests.Lines("a", "b"));
        ledger.Spend(data, LedgerTests.Use("mail", 1), Round, 1, None);
        Assert.Throws<PowerCutException>(() => ledger.Spend(data, LedgerTests.Use("mail", 2), Round, 1, None));
        Assert.Equal("ledger-write-failed",
            Assert.Throws<FedLoraException>(() => ledger.Spend(data, LedgerTests.Use("mail", 2), Round, 1, None)).Code);
        var reopened = PrivacyLedger.Open(new MortalStorage(disk));
        Assert.Single(reopened.Entries);
        reopened.Spend(data, LedgerTests.Use("mail", 2), Round, 1, None);
    }

    private sealed class PowerCutException : Exception;

    /// <summary>Files in memory; at the fatal write only a part of it is kept, and then the power is gone.</summary>
    private sealed class MortalStorage : ILedgerStorage
    {
        private readonly Dictionary<string, byte[]> _files = [];
        private int _writes;

        public MortalStorage()
        {
        }

        public MortalStorage(MortalStorage survived) => _files = new Dictionary<string, byte[]>(survived._files);

        public int Fatal { get; init; } = int.MaxValue;

        public double Kept { get; init; }

        public byte[]? Read(string name) => _files.GetValueOrDefault(name);

        public void Append(string name, ReadOnlySpan<byte> content)
        {
            var dies = _writes++ == Fatal;
            if (!dies || Kept > 0)
                _files[name] = [.. _files.GetValueOrDefault(name) ?? [], .. dies ? content[..(int)(content.Length * Kept)] : content];
            Die(dies);
        }

        public void Replace(string name, ReadOnlySpan<byte> content)
        {
            var dies = _writes++ == Fatal;
            if (!dies || Kept == 1)
                _files[name] = content.ToArray();
            Die(dies);
        }

        public void Truncate(string name, long length)
        {
            var dies = _writes++ == Fatal;
            if (!dies || Kept == 1)
                _files[name] = _files[name][..(int)length];
            Die(dies);
        }

        public IEnumerable<string> List(string folder) =>
            _files.Keys.Where(name => name.StartsWith(folder + "/", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

        private static void Die(bool dies)
        {
            if (dies)
                throw new PowerCutException();
        }
    }
}
