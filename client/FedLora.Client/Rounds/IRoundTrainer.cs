using FedLora.Adapters;
using FedLora.Compression;
using FedLora.Protocol.V1;

namespace FedLora.Client.Rounds;

/// <summary>What one round asks of the node.</summary>
/// <param name="Task">As the coordinator sent it.</param>
/// <param name="Global">The global adapter that the round starts from.</param>
/// <param name="Fold">Products of earlier rounds to fold into the base weights, oldest first.</param>
/// <param name="Folder">Where the node keeps what this federation leaves from round to round (local factors, optimiser state).</param>
public sealed record RoundInput(TrainingTask Task, AdapterState Global, IReadOnlyList<AdapterState> Fold, string Folder);

/// <summary>What a round made.</summary>
/// <param name="Update">Encoded as <paramref name="Encoding"/> says.</param>
/// <param name="Encoding">Safetensors, or the sparse codec.</param>
/// <param name="Examples">Examples that the node trains on; 0 under privacy.</param>
/// <param name="Steps">Optimiser steps done.</param>
/// <param name="Loss">Mean over the steps; null under privacy.</param>
/// <param name="Receipt">From the node's privacy ledger; null without privacy.</param>
public sealed record RoundOutput(byte[] Update, BlobEncoding Encoding, long Examples, int Steps, double? Loss, PrivacyReceipt? Receipt);

/// <summary>How far training is.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps of the round.</param>
/// <param name="Loss">Of the last step; null under privacy.</param>
public sealed record TrainingProgress(int Step, int Steps, double? Loss);

/// <summary>The node's base model and data, as far as the daemon needs to know them.</summary>
public interface IRoundTrainer : IDisposable
{
    /// <summary>What the node offers.</summary>
    NodeProfile Profile { get; }

    /// <summary>Why this node asks for no work at this hour, in one line; null if it does.</summary>
    string? Rests => null;

    /// <summary>Why this node cannot or may not take part in a federation's round, in one line; null if it can.</summary>
    string? Refuses(TrainingTask task);

    /// <summary>How the tensors lie that travel sparsely in a round.</summary>
    VectorLayout SparseLayout(TrainingTask task);

    /// <summary>Trains one round. Blocks; called on a thread of its own.</summary>
    /// <exception cref="FedLoraException">What is wrong with data, model or settings.</exception>
    /// <exception cref="OperationCanceledException">The round is no longer wanted, or the program ends.</exception>
    RoundOutput Train(RoundInput input, IProgress<TrainingProgress> progress, CancellationToken cancellation);
}
