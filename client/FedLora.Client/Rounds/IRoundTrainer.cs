using FedLora.Adapters;
using FedLora.Compression;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.V1;
using FedLora.Training.Memory;

namespace FedLora.Client.Rounds;

/// <summary>What one round asks of a trainer.</summary>
/// <param name="Task">As the coordinator sent it.</param>
/// <param name="Global">The global adapter that the round starts from.</param>
/// <param name="Fold">Products of earlier rounds to fold into the base weights, oldest first.</param>
/// <param name="Folder">Where the trainer keeps what this federation leaves from round to round (local factors, optimiser state).</param>
/// <param name="Seed">Of the order of the examples: the same for a round that is trained again, another in every round, and another at
/// every site.</param>
/// <param name="Charge">
/// Charges the round to the examples that were read for it (their identities, see <see cref="FedLora.Training.Data.ExampleIdentity"/>) in
/// the site's ledger, on disk when it returns. To be called once, when everything is ready and before the first sample or noise is drawn;
/// under privacy the round then trains on the terms of the receipt. Null without privacy.
/// </param>
public sealed record RoundInput(
    TrainingTask Task, AdapterState Global, IReadOnlyList<AdapterState> Fold, string Folder, ulong Seed,
    Func<IReadOnlyList<ReadOnlyMemory<byte>>, LedgerReceipt?> Charge)
{
    /// <summary>When the task came, a time stamp of the node's <see cref="TimeProvider"/>; null for now.</summary>
    public long? Received { get; init; }
}

/// <summary>What a round made. The daemon encodes it, and under privacy keeps count and loss to itself.</summary>
/// <param name="Start">What training began with: the factors that the method sends.</param>
/// <param name="Update">The same factors after training.</param>
/// <param name="Examples">Examples that the node trains on.</param>
/// <param name="Steps">Optimiser steps done.</param>
/// <param name="Loss">Mean over the steps; null if there is none.</param>
public sealed record RoundOutput(AdapterState Start, AdapterState Update, long Examples, int Steps, double? Loss);

/// <summary>How far training is.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps of the round.</param>
/// <param name="Loss">Of the last step; null if there is none.</param>
public sealed record TrainingProgress(int Step, int Steps, double? Loss);

/// <summary>
/// What trains: a task and an adapter in, an update out. Rounds, resumption, encoding, the site's policy and its privacy ledger are the
/// daemon's, whatever trains.
/// </summary>
public interface IRoundTrainer : IDisposable
{
    /// <summary>Of the base model that it trains on, as federations name it.</summary>
    string Fingerprint { get; }

    /// <summary>
    /// Whether its noise hides the site's data where the federation has no privacy terms: then nothing that follows from them leaves the
    /// node beside the update, neither loss nor pace, nor why it failed.
    /// </summary>
    bool IsSilent => false;

    /// <summary>Why it cannot train a task, in one line; null if it can.</summary>
    string? Refuses(TrainingTask task);

    /// <summary>
    /// What training a task takes at most, from its settings alone: data are not looked at, since the coordinator hears of it where the
    /// site's policy refuses it. Null where that cannot be known.
    /// </summary>
    MemoryEstimate? MemoryOf(TrainingTask task) => null;

    /// <summary>How the tensors lie that travel sparsely in a round.</summary>
    VectorLayout SparseLayout(TrainingTask task);

    /// <summary>Trains one round. Blocks; called on a thread of its own.</summary>
    /// <exception cref="FedLoraException">What is wrong with data, model or settings.</exception>
    /// <exception cref="OperationCanceledException">The round is no longer wanted, or the program ends.</exception>
    RoundOutput Train(RoundInput input, IProgress<TrainingProgress> progress, CancellationToken cancellationToken);
}
