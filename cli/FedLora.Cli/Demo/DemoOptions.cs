using FedLora.Compression;

namespace FedLora.Cli.Demo;

/// <summary>What a demo is asked for.</summary>
internal sealed record DemoOptions
{
    public string Method { get; init; } = "fedit";

    /// <summary>The federation's name.</summary>
    public string Federation { get; init; } = "spam";

    /// <summary>Rounds and steps, unless said otherwise.</summary>
    public const int PlainRounds = 12, PlainSteps = 10;

    public required int Rounds { get; init; }

    /// <summary>Rounds and steps under privacy, unless said otherwise: with SGD, often averaged is better, and every step spends.</summary>
    public const int PrivateRounds = 24, PrivateSteps = 2;

    /// <summary>Optimiser steps of a node in a round.</summary>
    public required int Steps { get; init; }

    public int Nodes { get; init; } = 4;

    /// <summary>Privacy budget of each site; null without privacy.</summary>
    public double? Epsilon { get; init; }

    /// <summary>What epsilon is stated at.</summary>
    public double Delta { get; init; } = 1e-5;

    /// <summary>Folder of the base model.</summary>
    public required string Model { get; init; }

    /// <summary>Takes adapter, logs and report.</summary>
    public required string Out { get; init; }

    public int Seed { get; init; } = 1;

    public double DensityDown { get; init; } = 1;

    public double DensityUp { get; init; } = 1;

    /// <summary>How the entries that travel are stored.</summary>
    public string Values { get; init; } = ValueFormats.Default;

    /// <summary>Each factor has its own share of a density.</summary>
    public bool SpareB { get; init; }

    /// <summary>Nodes keep what they have not sent for the next round.</summary>
    public bool ErrorFeedback { get; init; }

    /// <summary>Nodes keep AdamW's means for the next round.</summary>
    public bool KeepOptimizer { get; init; }

    /// <summary>The coordinator stays up at the end, for people to look at.</summary>
    public bool Dashboard { get; init; }

    /// <summary>Threads of one training process: the machine's cores shared out.</summary>
    public int Threads => Math.Max(1, Environment.ProcessorCount / Nodes);
}
