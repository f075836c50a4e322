using FedLora.Adapters;
using FedLora.Client.Training;
using FedLora.Compression;
using FedLora.Protocol.V1;

namespace FedLora.Client.Rounds;

/// <summary>What a node sends where communication is sparse: the largest entries of its change.</summary>
public static class SparseUplink
{
    private const string ResidualFolder = "residual";

    /// <summary>Whether a task's update travels as a change. It must where the node started from masked weights: what it did not get, it cannot send back.</summary>
    public static bool IsUsed(TrainingTask task) =>
        task.DensityDown is > 0 and < 1 || task.DensityUp is > 0 and < 1 || task.Definition.Communication is { Values: not ("" or ValueFormats.Default) };

    /// <summary>Encodes the change from <paramref name="start"/> to <paramref name="trained"/>. Under privacy it is private already, so that selecting from it is post-processing.</summary>
    /// <param name="task">Its densities, format and round.</param>
    /// <param name="folder">Where the node keeps, with error feedback, what it has not sent yet.</param>
    /// <param name="start">What the node began with: the factors sent.</param>
    /// <param name="trained">The same factors after training.</param>
    /// <param name="seed">Of stochastic rounding.</param>
    public static byte[] Encode(TrainingTask task, string folder, AdapterState start, AdapterState trained, ulong seed)
    {
        var layout = VectorLayout.Of(trained);
        var communication = task.Definition.Communication ?? new Communication();
        // By layout: RoLoRA sends another factor in every other round, and a residual fits its own only.
        var kept = Path.Combine(folder, ResidualFolder, Convert.ToHexStringLower(layout.Digest.Span));
        float[] residual = [];
        if (communication.ErrorFeedback)
        {
            Directory.CreateDirectory(kept);
            residual = KeptFactors.Load(kept, task.Round) is { } left ? layout.Flatten(left) : [];
        }

        var density = task.DensityUp is > 0 ? task.DensityUp : 1;
        var (change, unsent) = SparseCommunication.SelectUp(layout.Flatten(start), layout.Flatten(trained), density, residual);
        if (communication.ErrorFeedback)
            KeptFactors.Save(kept, task.Round, layout.Unflatten(unsent));
        return SparseCodec.Encode(change, ValueFormats.ByName[communication.Values is { Length: > 0 } values ? values : ValueFormats.Default], layout.Digest.Span, seed);
    }
}
