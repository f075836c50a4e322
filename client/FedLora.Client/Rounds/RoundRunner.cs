using System.Diagnostics;
using System.Security.Cryptography;
using FedLora.Adapters;
using FedLora.Client.Connection;
using FedLora.Client.Hosting;
using FedLora.Client.Ledger;
using FedLora.Client.State;
using FedLora.Federations.Definitions;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace FedLora.Client.Rounds;

/// <summary>How a task ended.</summary>
public enum RoundEnd
{
    /// <summary>The coordinator has the update, durable.</summary>
    Delivered,

    /// <summary>This node does not take part, or the update was refused for good; the reason was told and logged.</summary>
    Refused,

    /// <summary>The coordinator no longer wants this round's update.</summary>
    NotWanted,
}

/// <summary>Does one task: fetch, train (once per round, whatever happens), keep, upload.</summary>
public sealed class RoundRunner(CoordinatorConnection connection, NodeFolder folder, IRoundTrainer trainer, SiteRules rules,
    ClientOptions options, AdapterFetcher fetcher, UpdateSender sender, NodeInstruments instruments, ILogger<RoundRunner> logger,
    TimeProvider time)
{
    private const int MostInvalid = 3;
    private int _invalid;

    /// <summary>Why this node takes no part in some federations: "FEDERATION: reason".</summary>
    public IReadOnlyDictionary<string, string> Refused => _refused;

    private readonly Dictionary<string, string> _refused = new(StringComparer.Ordinal);

    /// <summary>Runs the task to its end.</summary>
    /// <exception cref="RpcException">The connection failed: poll again, the same task comes back and goes on where it was.</exception>
    public async Task<RoundEnd> RunAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        var end = await DoAsync(task, cancellationToken);
        instruments.Ended(end, task.Federation);
        return end;
    }

    private async Task<RoundEnd> DoAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        var received = time.GetTimestamp();
        var reporter = new StatusReporter(connection, task, task.Definition.Privacy is not null || trainer.IsSilent, time);
        var home = folder.FederationFolder(task.Federation);
        try
        {
            if (PendingUpdate.Load(home) is { } kept && kept.Answers(task))
            {
                logger.SendingKept(task.Round, task.Federation);
                return await UploadAsync(task, kept, reporter, cancellationToken);
            }
            if ((WhyNoFederation(task) ?? trainer.Refuses(task) ?? rules.Refuses(task, () => trainer.MemoryOf(task))) is { } reason)
                return await RefuseAsync(task, reporter, TaskPhase.Refused, reason, cancellationToken);
            _refused.Remove(task.Federation);
            RequireUnpaid(task, home);
            await reporter.SayAsync(TaskPhase.Downloading, "", cancellationToken);
            var (global, folds) = await FetchAsync(task, cancellationToken);
            var update = await TrainAsync(task, received, global, folds, home, reporter, cancellationToken);
            return update is null ? RoundEnd.NotWanted : await UploadAsync(task, update, reporter, cancellationToken);
        }
        catch (FedLoraException error) when (error.Code == "privacy-budget-exhausted")
        {
            return await RefuseAsync(task, reporter, TaskPhase.Refused, error.Message, cancellationToken);
        }
        catch (FedLoraException error) when (error.Code is not ("transfer-idle" or "upload-incomplete" or "blob-invalid"))
        {
            var phase = error.Code == "data-nothing-to-learn" && !reporter.IsSilent ? TaskPhase.Refused : TaskPhase.Failed;
            return await RefuseAsync(task, reporter, phase, error.Message, cancellationToken, PublicReason.Of(error));
        }
        catch (Exception error) when (error is not (FedLoraException or RpcException or IOException or OperationCanceledException))
        {
            // Whatever it is, it ends this round's task and not the node, which would be started again, and meet it again.
            var failure = new FedLoraException("task-failed",
                $"the task ended with {error.GetType().Name}: {error.Message.ReplaceLineEndings(" ")}", "see the node's log", error);
            return await RefuseAsync(task, reporter, TaskPhase.Failed, failure.Message, cancellationToken, PublicReason.Of(failure));
        }
    }

    // What does not have its hash is fetched again, a few times and ever later; then the coordinator hears of it, and its store is looked
    // at.
    private async Task<(AdapterState Global, IReadOnlyList<AdapterState> Folds)> FetchAsync(TrainingTask task,
        CancellationToken cancellationToken)
    {
        try
        {
            var global = await fetcher.FetchAsync(task.Adapter, () => trainer.SparseLayout(task), cancellationToken);
            var folds = new List<AdapterState>();
            foreach (var fold in task.Fold)
                folds.Add(await fetcher.FetchAsync(fold, () => trainer.SparseLayout(task), cancellationToken));
            _invalid = 0;
            return (global, folds);
        }
        catch (FedLoraException error) when (error.Code == "blob-invalid" && ++_invalid >= MostInvalid)
        {
            _invalid = 0;
            throw new FedLoraException("adapter-damaged",
                $"the adapter was fetched {MostInvalid} times and is never the one that the task names: {error.Message}", error.Hint,
                error);
        }
    }

    private static void RequireUnpaid(TrainingTask task, string home)
    {
        if (task.Definition.Privacy is null || RoundCharges.Of(home, task.Round) is var charged && charged < RoundCharges.Most)
            return;
        throw new FedLoraException("privacy-spent-in-vain",
            $"round {task.Round} was charged to the privacy ledger {charged} times and never came to an update",
            "see the log for why; the node goes on with the next round");
    }

    // A newer coordinator may know methods and words that this node does not.
    private static string? WhyNoFederation(TrainingTask task)
    {
        try
        {
            DefinitionRules.Check(task.Definition.ToModel());
            return null;
        }
        catch (FedLoraException error)
        {
            return $"this program cannot carry the federation out: {error.Message}";
        }
    }

    private async Task<PendingUpdate?> TrainAsync(TrainingTask task, long received, AdapterState global, IReadOnlyList<AdapterState> folds,
        string home, StatusReporter reporter, CancellationToken cancellationToken)
    {
        var seed = RoundSeed.Of(task.Definition.Seed, task.Federation, (int)task.Round, options.Name);
        LedgerReceipt? receipt = null;
        var input = new RoundInput(task, global, folds, home, seed, identities => receipt = Charge(task, home, identities))
        {
            Received = received
        };
        using var wanted = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watch = Stopwatch.StartNew();
        var reporting = reporter.FollowAsync(wanted, ended.Token);
        RoundOutput output;
        try
        {
            output = await Task.Factory.StartNew(() => trainer.Train(input, reporter, wanted.Token), wanted.Token,
                TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            logger.NotWanted(task.Round, task.Federation, reporter.UnwantedBecause);
            return null;
        }
        catch (Exception error) when (error is not (OperationCanceledException or FedLoraException))
        {
            // Whatever a trainer throws (libtorch's errors, a disk's) ends this round's task and nothing else: a daemon that died of it
            // would be started again, and spend again.
            throw new FedLoraException("training-failed",
                $"training ended with {error.GetType().Name}: {error.Message.ReplaceLineEndings(" ")}",
                "see the node's log, mend the cause, and the next round trains again", error);
        }
        finally
        {
            await ended.CancelAsync();
            await reporting;
        }
        instruments.Trained(output.Steps, watch.Elapsed);
        if (task.Definition.Privacy is not null && receipt is null)
            throw new FedLoraException("privacy-unpaid",
                "the trainer did not spend this round from the privacy ledger; its update stays here",
                "use a trainer that adds the noise which the federation asks for");
        var (encoded, encoding) = Encode(task, home, output, seed);
        var header = Header(task, output, encoded, encoding, receipt, reporter.IsSilent ? null : watch.Elapsed);
        logger.Trained(task.Round, task.Federation, header.Steps, watch.Elapsed.TotalSeconds, header.Blob.Size);
        try
        {
            return PendingUpdate.Save(home, header, encoded);
        }
        catch (FedLoraException error) when (error.Code == "file-write-failed")
        {
            // The work is done, and under privacy paid for: it is sent all the same.
            logger.NotKept(task.Round, task.Federation, error.Message);
            return new PendingUpdate(header, null, encoded);
        }
    }

    private static (byte[] Bytes, BlobEncoding Encoding) Encode(TrainingTask task, string home, RoundOutput output, ulong seed) =>
        SparseUplink.IsUsed(task)
            ? (SparseUplink.Encode(task, home, output.Start, output.Update, seed), BlobEncoding.Sparse)
            : (output.Update.ToBytes(), BlobEncoding.Safetensors);

    // Neither count nor loss is paid for: under privacy they stay here, and so does the time where nothing may be told.
    private static UpdateHeader Header(TrainingTask task, RoundOutput output, byte[] encoded, BlobEncoding encoding, LedgerReceipt? receipt,
        TimeSpan? told)
    {
        var header = new UpdateHeader
        {
            Federation = task.Federation,
            Round = task.Round,
            Attempt = task.Attempt,
            AdapterSha256 = task.Adapter.Sha256,
            Blob = new BlobRef { Sha256 = Convert.ToHexStringLower(SHA256.HashData(encoded)), Size = encoded.Length, Encoding = encoding },
            ExampleCount = receipt is null ? (ulong)output.Examples : 0,
            Steps = (uint)output.Steps,
            Receipt = receipt?.ToWire(),
            // How long it took depends on the batches that were drawn, which nothing has paid for.
            TrainSeconds = told?.TotalSeconds ?? 0,
        };
        if (told is not null && output.Loss is { } loss)
            header.Loss = loss;
        return header;
    }

    private LedgerReceipt? Charge(TrainingTask task, string home, IReadOnlyList<ReadOnlyMemory<byte>> identities)
    {
        if (task.Definition.Privacy is not null)
            RoundCharges.Add(home, task.Round);
        return rules.Charge(task, identities);
    }

    private async Task<RoundEnd> UploadAsync(TrainingTask task, PendingUpdate update, StatusReporter reporter,
        CancellationToken cancellationToken)
    {
        var (end, reason) = await sender.SendAsync(update, task.Attempt, cancellationToken);
        return end == RoundEnd.Refused ? await RefuseAsync(task, reporter, TaskPhase.Failed, reason, cancellationToken) : end;
    }

    private async Task<RoundEnd> RefuseAsync(TrainingTask task, StatusReporter reporter, TaskPhase phase, string reason,
        CancellationToken cancellationToken, string? told = null)
    {
        logger.Refused(task.Round, task.Federation, reason);
        reason = told ?? reason;
        if (phase == TaskPhase.Refused)
            _refused[task.Federation] = reason;
        // What went wrong in training may tell of the data, and nothing has paid for that.
        await reporter.SayAsync(phase,
            phase == TaskPhase.Failed && reporter.IsSilent ? "it failed; the node's own log says why" : reason,
            cancellationToken);
        return RoundEnd.Refused;
    }
}
