namespace FedLora.Cli.Demo;

/// <summary>How well a classifier does on the held-out mails.</summary>
/// <param name="Accuracy">Share of right answers.</param>
/// <param name="MacroF1">Mean of the labels' F1.</param>
internal sealed record Score(double Accuracy, double MacroF1);

/// <summary>A site that trained alone.</summary>
internal sealed record AloneScore(string Node, double Accuracy, double MacroF1);

/// <summary>What a site has spent, by its own ledger.</summary>
internal sealed record SiteEpsilon(string Node, double Epsilon, double Delta, double NoiseMultiplier, double SamplingRate, int Rounds);

/// <summary>The demo's result, as <c>--json</c> writes it.</summary>
internal sealed record DemoReport
{
    public required Score Majority { get; init; }

    public required IReadOnlyList<AloneScore> Alone { get; init; }

    public required Score Together { get; init; }

    public required int Rounds { get; init; }

    public required int Nodes { get; init; }

    public required string Method { get; init; }

    public required double FederatedSeconds { get; init; }

    /// <summary>On the socket, everything included; mean over the nodes, all rounds.</summary>
    public required long BytesUpPerNode { get; init; }

    public required long BytesDownPerNode { get; init; }

    /// <summary>Largest that any site has spent; null without privacy.</summary>
    public double? Epsilon { get; init; }

    /// <summary>What each site has spent; null without privacy.</summary>
    public IReadOnlyList<SiteEpsilon>? Privacy { get; init; }

    /// <summary>The PEFT folder; empty where every site has an adapter of its own.</summary>
    public required string Adapter { get; init; }
}
