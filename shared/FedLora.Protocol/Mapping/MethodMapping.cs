using FedLora.Aggregation;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Protocol.Mapping;

/// <summary>From the wire's options of a method to those that methods take.</summary>
public static class MethodMapping
{
    /// <summary>The options of a definition.</summary>
    /// <exception cref="FedLoraException"><c>federation-invalid</c>, naming the option.</exception>
    public static MethodOptions ToOptions(Wire.FederationDefinition definition)
    {
        var wire = definition.MethodOptions ?? new Wire.MethodOptions();
        foreach (var name in wire.Extra.Keys)
            throw Unknown($"extra.{name}", wire.Extra[name], "nothing: no method here has such an option");
        return new MethodOptions
        {
            Head = wire.FreezeHead ? HeadPolicy.Frozen : HeadPolicy.Averaged,
            Weighting = definition.Weighting switch
            {
                Wire.Weighting.Uniform => Weighting.Uniform,
                Wire.Weighting.Unspecified when definition.Privacy is not null => Weighting.Uniform,
                _ => Weighting.Examples,
            },
            Lambda = wire.HasLambda ? wire.Lambda : MethodOptions.Default.Lambda,
            FairObjective = wire.Solver switch
            {
                "" or "cosine" => FairObjective.Cosine,
                "least-squares" => FairObjective.LeastSquares,
                var other => throw Unknown("solver", other, "cosine or least-squares"),
            },
            ResidualRank = wire.TruncateRank == 0 ? null : (int)wire.TruncateRank,
            Init = wire.Init switch
            {
                "" or "svd-of-weights" => FedSbInit.SvdOfWeights,
                "lora-sb" => FedSbInit.LoraSb,
                "lora-sb-private" => FedSbInit.LoraSbPrivate,
                var other => throw Unknown("init", other, "svd-of-weights, lora-sb or lora-sb-private"),
            },
        };
    }

    private static FedLoraException Unknown(string option, string value, string allowed) =>
        new("federation-invalid", $"method_options.{option}: '{value}' is not allowed; it must be {allowed}", "correct the federation's definition");
}
