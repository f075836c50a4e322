using System.Globalization;
using FedLora.Adapters;
using FedLora.Client.Trainers;
using FedLora.Compression;
using FedLora.Protocol.V1;

namespace FedLora.Client.Rounds;

/// <summary>What a node sends where communication is sparse: the largest entries of its change.</summary>
public static class SparseUplink
{
    private const string ResidualFolder = "residual";
    private const string Waiting = "waiting-";

    /// <summary>
    /// Whether a task's update travels as a change. It must where the node started from masked weights: what it did not get, it cannot send
    /// back.
    /// </summary>
    public static bool IsUsed(TrainingTask task) =>
        task.DensityDown is > 0 and < 1 || task.DensityUp is > 0 and < 1
            || task.Definition.Communication is { Values: not ("" or ValueFormats.Default) };

    /// <summary>
    /// Encodes the change from <paramref name="start"/> to <paramref name="trained"/>. Under privacy it is private already, so that
    /// selecting from it is post-processing. With error feedback what it leaves unsent waits beside it until <see cref="Acknowledge"/>: of
    /// an update that is never delivered, what earlier rounds left unsent stays so.
    /// </summary>
    /// <param name="task">Its densities, format and round.</param>
    /// <param name="folder">Where the node keeps what this federation leaves from round to round.</param>
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

        var format = ValueFormats.ByName[communication.Values is { Length: > 0 } values ? values : ValueFormats.Default];
        var (bytes, unsent) = SparseCommunication.EncodeUp(layout, layout.Flatten(start), layout.Flatten(trained),
            task.DensityUp is > 0 ? task.DensityUp : 1, residual, format, seed);
        if (communication.ErrorFeedback)
        {
            foreach (var old in Directory.EnumerateFiles(kept, $"{Waiting}*").ToList())
                File.Delete(old);
            layout.Unflatten(unsent).Save(Path.Combine(kept, WaitingFor(task.Round)));
        }
        return bytes;
    }

    /// <summary>
    /// The coordinator has a round's update, durable: what that left unsent is what the next one starts from. Without error feedback, or
    /// told again, it does nothing.
    /// </summary>
    /// <param name="folder">As for <see cref="Encode"/>.</param>
    /// <param name="round">The update's.</param>
    public static void Acknowledge(string folder, uint round)
    {
        var residuals = Path.Combine(folder, ResidualFolder);
        if (!Directory.Exists(residuals))
            return;
        foreach (var waiting in Directory.EnumerateFiles(residuals, WaitingFor(round), SearchOption.AllDirectories).ToList())
        {
            KeptFactors.Save(Path.GetDirectoryName(waiting)!, round, AdapterState.Load(waiting));
            File.Delete(waiting);
        }
    }

    private static string WaitingFor(uint round) => Waiting + round.ToString(CultureInfo.InvariantCulture);
}
