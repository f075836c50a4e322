using System.Globalization;

namespace FedLora.Client.Rounds;

/// <summary>
/// What a coordinator is told of a failure: its kind, and the line of the data file where it has one. The message itself may hold paths and
/// texts of the site, and stays in the node's own log. Where noise hides the data, not even the kind is told.
/// </summary>
public static class PublicReason
{
    /// <summary>One line.</summary>
    public static string Of(FedLoraException error) => error.Code switch
    {
        "data-label-unknown" =>
            $"a label of its data{At(error)} is not one of the federation's ({error.Code}); the node's own log says which",
        "data-invalid" => $"its data{At(error)} cannot be used ({error.Code}); the node's own log says why",
        "data-nothing-to-learn" => $"its data holds nothing to learn: no label, or texts of one token ({error.Code})",
        _ => $"it failed ({error.Code}); the node's own log says why",
    };

    private static string At(FedLoraException error) =>
        error.Data[FedLoraException.LineKey] is int line ? string.Create(CultureInfo.InvariantCulture, $", line {line},") : "";
}
