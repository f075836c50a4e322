using FedLora.Client.Connection;
using FedLora.Client.State;
using FedLora.Protocol.V1;
using FedLora.Tokenizers;
using FedLora.Training.Data;
using FedLora.Training.Models;
using Grpc.Core;

namespace FedLora.Client.Hosting;

/// <summary>One thing that a site needs to take part.</summary>
/// <param name="Part">data, model, policy, budget, folder, disk, coordinator.</param>
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

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Looks at everything; what is wrong with one thing keeps it from no other.</summary>
    public async Task<IReadOnlyList<SiteFinding>> RunAsync(CancellationToken cancellationToken) =>
    [
        await FindAsync("data", () => Task.FromResult(Data(cancellationToken))),
        await FindAsync("model", () => Task.FromResult(Model())),
        Policy(),
        await FindAsync("budget", () => Task.FromResult(Budget())),
        await FindAsync("folder", () => Task.FromResult(Folder())),
        await FindAsync("disk", () => Task.FromResult(Disk())),
        await FindAsync("coordinator", () => CoordinatorAsync(cancellationToken)),
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
        _ = Tokenizer.Load(Path.Combine(options.Model, "tokenizer.json"));
        return new("model", true, $"{options.Model}: fingerprint {fingerprint}");
    }

    private SiteFinding Policy()
    {
        var policy = options.Policy;
        var now = TimeOnly.FromDateTime(time.GetLocalNow().DateTime);
        var limit = policy.Epsilon is { } epsilon ? $"epsilon at most {epsilon:0.####} at delta {policy.Delta:0.###e+0}"
            : "no limit of epsilon";
        var hours = policy.Hours is null ? "at any hour" : policy.IsOpen(now) ? $"at {policy.Hours}, which is now"
            : $"at {policy.Hours}, local time, which is later";
        return new("policy", true, $"trains {hours}; {limit}");
    }

    private SiteFinding Budget()
    {
        if (!Directory.Exists(Path.Combine(options.State, "ledger")))
            return new("budget", true, "nothing was spent");
        using var ledger = Privacy.Ledger.PrivacyLedger.Read(Path.Combine(options.State, "ledger"));
        var dataSet = ledger.IdentityOf(options.DataSet);
        if (ledger.UsesOf(dataSet).Count == 0)
            return new("budget", true, $"nothing was spent of the data set '{options.DataSet}'");
        var spent = Privacy.Accountants.Default.Epsilon(ledger.Spent(dataSet), options.Policy.Delta).Epsilon;
        var says = $"data set '{options.DataSet}': spent epsilon {spent:0.####} at delta {options.Policy.Delta:0.###e+0}";
        return options.Policy.Epsilon is not { } limit ? new("budget", true, $"{says}, no limit")
            : spent < limit ? new("budget", true, $"{says}, left {limit - spent:0.####}")
            : new("budget", false, $"{says}, and the policy allows {limit:0.####}",
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

    private async Task<SiteFinding> CoordinatorAsync(CancellationToken cancellationToken)
    {
        var address = new CoordinatorAddress(options.Coordinator);
        using var identity = new PeerIdentity(options.State, "node", time);
        var credential = NodeCredential.Load(NodeFolder.CredentialFileOf(options.State));
        return credential is { IsEnrolled: true } && (!address.IsSecure || identity.Certificate is not null)
            ? await EnrolledAsync(address, identity, credential, cancellationToken)
            : await StrangerAsync(address, identity, cancellationToken);
    }

    // Who calls is looked at before what is asked for: that there is no such blob is the answer to who is let in.
    private async Task<SiteFinding> EnrolledAsync(CoordinatorAddress address, PeerIdentity identity, NodeCredential credential,
        CancellationToken cancellationToken)
    {
        using var connection = new CoordinatorConnection(address, identity, time) { Credential = credential.Secret };
        var known = new SiteFinding("coordinator", true, $"{address.Url} knows this node as {credential.Name}");
        try
        {
            using var call = connection.Node.GetBlob(new GetBlobRequest(), connection.Options(cancellationToken, Limit));
            await call.ResponseStream.MoveNext(cancellationToken);
            return known;
        }
        catch (RpcException error) when (!cancellationToken.IsCancellationRequested)
        {
            return connection.Explain(error) switch
            {
                { Code: "blob-missing" } => known,
                { Code: "certificate-expired" } =>
                    known with { Says = $"{known.Says}; its certificate has ended and is renewed at the next start" },
                var told => throw told,
            };
        }
    }

    private async Task<SiteFinding> StrangerAsync(CoordinatorAddress address, PeerIdentity identity, CancellationToken cancellationToken)
    {
        var token = JoinToken.Of(options, address.Url);
        var pinned = address.IsSecure ? JoinToken.Parse(token).Authority : null;
        using var connection = new CoordinatorConnection(address, identity, time, pinned is null ? null : PeerIdentity.Unpinned());
        try
        {
            var reply = await connection.Enrolment.GetAuthorityAsync(new GetAuthorityRequest(),
                connection.Options(cancellationToken, Limit));
            if (pinned is not null)
                identity.Pin(reply.Authority.ToByteArray(), pinned, address.Url);
        }
        catch (RpcException error) when (!cancellationToken.IsCancellationRequested)
        {
            // Without TLS it has no authority to tell of, and says so.
            if (connection.Explain(error) is { Code: not "certificate-missing" } told)
                throw told;
        }
        return new("coordinator", true, $"{address.Url} answers; this node joins it as {options.Name} with its token at the first start");
    }
}
