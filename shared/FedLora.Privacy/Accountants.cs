using FedLora.Privacy.Pld;
using FedLora.Privacy.Prv;
using FedLora.Privacy.Rdp;

namespace FedLora.Privacy;

/// <summary>What was spent, as an interval.</summary>
/// <param name="Epsilon">An upper bound on the true epsilon at the delta asked for, in nats: the number to promise.</param>
/// <param name="Lower">A lower bound on it; 0 where the accountant gives none.</param>
/// <param name="Accountant"><c>rdp</c>, <c>prv</c> or <c>pld</c>.</param>
/// <param name="Order">The Renyi order that gave the bound; null for other accountants.</param>
/// <param name="Note">What to know about it, one sentence, e.g. that it is wider than usual since a closer one would take too long; null
/// for nothing.</param>
public sealed record PrivacyBound(double Epsilon, double Lower, string Accountant, double? Order = null, string? Note = null);

/// <summary>Bounds the epsilon of any sequence of sampled Gaussian steps.</summary>
public interface IAccountant
{
    /// <summary><c>rdp</c>, <c>prv</c> or <c>pld</c>.</summary>
    string Name { get; }

    /// <summary>
    /// The epsilon of all runs together at <paramref name="delta"/>, for one example added or removed. An empty composition spends 0.
    /// Never below the truth, never NaN: where the accountant can give no bound, it says so. Bounded for any input: at most 512 MiB and 10
    /// s on one core.
    /// </summary>
    /// <exception cref="FedLoraException"><c>privacy-invalid</c> or <c>privacy-out-of-range</c>.</exception>
    /// <exception cref="OperationCanceledException">Within about a second of the request.</exception>
    PrivacyBound Epsilon(IEnumerable<SampledGaussian> runs, double delta, CancellationToken cancellationToken = default);
}

/// <summary>The accountants by name.</summary>
public static class Accountants
{
    /// <summary>The accountant that is used unless another is asked for.</summary>
    public static IAccountant Default { get; } = new PldAccountant();

    /// <summary>Every accountant's name.</summary>
    public static IReadOnlyList<string> Names { get; } = ["rdp", "prv", "pld"];

    /// <summary>The accountant of a name.</summary>
    /// <exception cref="FedLoraException"><c>privacy-accountant-unknown</c>.</exception>
    public static IAccountant Get(string name) => name switch
    {
        "rdp" => new RdpAccountant(),
        "prv" => new PrvAccountant(),
        "pld" => Default,
        _ => throw new FedLoraException("privacy-accountant-unknown", $"there is no accountant '{name}'",
            $"Choose one of {string.Join(", ", Names)}."),
    };
}
