using FedLora.Client.State;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;
using FedLora.Training.Data;
using FedLora.Training.Models;

namespace FedLora.Client.Hosting;

/// <summary>One thing that a site needs to take part.</summary>
/// <param name="Part">data, model, policy, memory, budget, folder, disk, coordinator.</param>
/// <param name="Ready">Whether it stands in nobody's way.</param>
/// <param name="Says">What was found, in one line.</param>
/// <param name="Do">What to do about it; null where nothing is to be done.</param>
public sealed record SiteFinding(string Part, bool Ready, string Says, string? Do = null);

/// <summary>
/// Whether a node would take part as it is set up: everything that its start looks at, and the coordinator. Changes nothing, joins nothing,
/// and may be asked while the node runs.
/// </summary>
/// <param name="options">As the node is started.</param>
/// <param name="time">Clock of the calls and of the policy's hours.</param>
public sealed class SiteCheck(ClientOptions options, TimeProvider time)
{
    /// <summary>Below this a disk is soon full: adapters, updates on their way and the ledger lie on it.</summary>
    public const long LeastFreeBytes = 1L << 30;

    /// <summary>Looks at everything; what is wrong with one thing keeps it from no other.</summary>
    public async Task<IReadOnlyList<SiteFinding>> RunAsync(CancellationToken cancellationToken) =>
    [
        await FindAsync("data", () => Task.FromResult(Data(cancellationToken))),
        await FindAsync("model", () => Task.FromResult(Model())),
        Policy(),
        await FindAsync("memory", () => Task.FromResult(new MemoryCheck(options).Run())),
        await FindAsync("budget", () => Task.FromResult(Budget())),
        await FindAsync("folder", () => Task.FromResult(Folder())),
        await FindAsync("disk", () => Task.FromResult(Disk())),
        await FindAsync("coordinator", () => new CoordinatorCheck(options, time).RunAsync(cancellationToken)),
    ];

    private static async Task<SiteFinding> FindAsync(string part, Func<Task<SiteFinding>> look)
    {
        try
        {
            return await look();
        }
        catch (FedLoraException error)
        {
            return new(part, false, error.Message, error.Hint);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new(part, false, error.Message, "Check the path, and who owns it with which rights.");
        }
    }

    private SiteFinding Data(CancellationToken cancellationToken)
    {
        var read = DataFile.Read(options.Data, new DataSettings(TextTask.CausalLanguageModelling, 0, [],
            options.SkipBadLines ? BadLines.Skip : BadLines.Stop, options.Unit), cancellationToken);
        return new("data", true, $"{options.Data}: {read.Records.Count} examples, {read.Skipped.Count} lines left out");
    }

    private SiteFinding Model()
    {
        var fingerprint = ModelFingerprint.Of(options.Model);
        _ = ModelInput.Load(options.Model);
        return new("model", true, $"{options.Model}: fingerprint {fingerprint}");
    }

    private SiteFinding Policy()
    {
        var policy = options.Policy;
        var now = TimeOnly.FromDateTime(time.GetLocalNow().DateTime);
        var limit = policy.Epsilon is { } epsilon ? $"epsilon at most {EpsilonText.AtLeast(epsilon)} at delta {policy.Delta:0.###e+0}"
            : "no limit of epsilon";
        var hours = policy.Hours is null ? "at any hour" : policy.IsOpen(now) ? $"at {policy.Hours}, which is now"
            : $"at {policy.Hours}, local time, which is later";
        return new("policy", true, $"trains {hours}; {limit}");
    }

    private SiteFinding Budget()
    {
        if (!Directory.Exists(NodeFolder.LedgerOf(options.State)))
            return new("budget", true, "nothing was spent");
        using var ledger = PrivacyLedger.Read(NodeFolder.LedgerOf(options.State));
        var dataSet = ledger.IdentityOf(options.DataSet);
        if (ledger.UsesOf(dataSet).Count == 0)
            return new("budget", true, $"nothing was spent of the data set '{options.DataSet}'");
        var spent = Accountants.Default.Epsilon(ledger.Spent(dataSet), options.Policy.Delta).Epsilon;
        var says = $"data set '{options.DataSet}': spent epsilon {EpsilonText.AtMost(spent)} at delta {options.Policy.Delta:0.###e+0}";
        return options.Policy.Epsilon is not { } limit ? new("budget", true, $"{says}, no limit")
            : spent < limit ? new("budget", true, $"{says}, left {EpsilonText.AtLeast(limit - spent)}")
            : new("budget", false, $"{says}, and the policy allows {EpsilonText.AtLeast(limit)}",
                "no federation with privacy has this node until the policy allows more");
    }

    private SiteFinding Folder()
    {
        var folder = Path.GetFullPath(options.State);
        if (!Directory.Exists(folder))
            return new("folder", true, $"{folder} is made at the first start");
        var lockFile = Path.Combine(folder, "lock");
        if (!File.Exists(lockFile))
            return new("folder", true, $"{folder}: no node was ever started on it");
        using var free = HeldFile.TryOpen(lockFile);
        return new("folder", true, $"{folder}: {(free is null ? "a node is running on it" : "no node is running on it")}");
    }

    private SiteFinding Disk()
    {
        var folder = new DirectoryInfo(Path.GetFullPath(options.State));
        while (!folder.Exists && folder.Parent is { } parent)
            folder = parent;
        var free = new DriveInfo(folder.FullName).AvailableFreeSpace;
        var says = $"{free / (double)(1 << 30):0.0} GiB are free under {folder.FullName}";
        return free >= LeastFreeBytes ? new("disk", true, says)
            : new("disk", false, says, "free some space, or choose another folder with --state");
    }
}
