using FedLora.Adapters;
using FedLora.Federations.Definitions;
using FedLora.Training.Memory;
using FedLora.Training.Models;

namespace FedLora.Client.Hosting;

/// <summary>The memory's part of <see cref="SiteCheck"/>: what tasks on this base model take, beside what the policy and the machine
/// have.</summary>
internal sealed class MemoryCheck(ClientOptions options)
{
    private const int UsualRank = 16;
    private const int UsualBatch = 32;
    private const int UsualTokens = 512;

    /// <summary>Estimates a small task and a usual one.</summary>
    /// <exception cref="FedLoraException">What is wrong with the base model.</exception>
    public SiteFinding Run()
    {
        var machine = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var there = $"{MemoryEstimate.Gib(machine)} GiB are there"
            + (options.Policy.Memory is { } stated ? $", and the policy allows tasks of {stated}" : "");
        if (options.Trainer is not null)
            return new("memory", options.Policy.Memory is null, $"what the site's own trainer takes is not known; {there}",
                options.Policy.Memory is null ? null : "take memory out of the policy: with it no federation has this node");
        var model = ModelFamily.ReadFolder(options.Model);
        var rank = options.MaxRank > 0 ? Math.Min(options.MaxRank, UsualRank) : UsualRank;
        var (least, usual) = (Estimate(model, 1, 1, 2), Estimate(model, rank, UsualBatch, UsualTokens));
        var examples = model.Image is null ? $"{UsualBatch} examples of {Math.Min(UsualTokens, model.MaxLength)} tokens"
            : $"{UsualBatch} images";
        var says = $"a task takes {MemoryEstimate.Gib(least.Total)} GiB at least; with rank {rank} on all linear layers and {examples} a "
            + $"step about {usual}, beside the data; {there}";
        return least.Total <= Math.Min(options.Policy.MemoryBytes ?? long.MaxValue, machine) ? new("memory", true, says)
            : new("memory", false, says, "no federation on this base model can have this node: allow more, or take a smaller base model");
    }

    private static MemoryEstimate Estimate(Architecture model, int rank, int batch, int tokens) => MemoryEstimate.Of(model,
        ModelLayout.For(model, ModelLayout.Settings(model, rank, rank, targets: [PeftModules.AllLinear])),
        Factors.A | Factors.B | Factors.Head, new TrainingSpec { BatchSize = batch, MaxTokens = tokens }, isPrivate: false, batch,
        ComputeChoice.ForThisMachine(), dropout: 0);
}
