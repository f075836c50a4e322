using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>What becomes of the classification head.</summary>
public enum HeadPolicy
{
    /// <summary>Trained by every node and averaged.</summary>
    Averaged,

    /// <summary>Never trained (FFA-LoRA, FedSVD, Fed-SB).</summary>
    Frozen,

    /// <summary>Trained by every node and kept there (FedSA-LoRA).</summary>
    Local,
}

/// <summary>How much a node's update counts.</summary>
public enum Weighting
{
    /// <summary>p_k = n_k / sum n, by the examples it trained on.</summary>
    Examples,

    /// <summary>p_k = 1 / K.</summary>
    Uniform,
}

/// <summary>How LoRA-FAIR corrects B.</summary>
public enum FairObjective
{
    /// <summary>1 - cos(dW, (Bbar + dB) Abar) + lambda ||dB||, the paper's.</summary>
    Cosine,

    /// <summary>dB = (dW - Bbar Abar) Abar^T (Abar Abar^T + lambda I)^-1, closed form.</summary>
    LeastSquares,
}

/// <summary>Where Fed-SB's A and B come from.</summary>
public enum FedSbInit
{
    /// <summary>The leading singular vectors of the base weights; needs no data. R starts at zero.</summary>
    SvdOfWeights,

    /// <summary>The rank-r part of the first step of sign descent on public data (LoRA-SB).</summary>
    LoraSb,

    /// <summary>The same on the nodes' private data. Refused: what it reveals is not charged to the privacy ledger.</summary>
    LoraSbPrivate,
}

/// <summary>A federation's settings of its method. Each method looks at those that concern it.</summary>
public sealed record MethodOptions
{
    public static MethodOptions Default { get; } = new();

    public HeadPolicy Head { get; init; }

    public Weighting Weighting { get; init; }

    /// <summary>lora-fair: lambda >= 0.</summary>
    public double Lambda { get; init; } = 0.01;

    /// <summary>lora-fair: the objective.</summary>
    public FairObjective FairObjective { get; init; }

    /// <summary>fedex-lora: keep only the best residual of this rank (at least 1); null keeps it all.</summary>
    public int? ResidualRank { get; init; }

    /// <summary>fed-sb: where A and B come from.</summary>
    public FedSbInit Init { get; init; }

    /// <summary>fed-sb with <see cref="FedSbInit.LoraSb"/>: eta, the length of the first step in every weight; above 0.</summary>
    public double InitStep { get; init; } = 1e-3;

    /// <summary>The head, unless it is frozen.</summary>
    public Factors TrainedHead() => Head == HeadPolicy.Frozen ? Factors.None : Factors.Head;
}
