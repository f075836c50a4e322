using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Compression;

namespace FedLora.Federations.Definitions;

/// <summary>What a definition says of sparse communication, in the words of the compression library.</summary>
public static class SparseTerms
{
    /// <summary>The densities of a node's group.</summary>
    public static DensitySpec DensityOf(this FederationDefinition definition, string group) =>
        definition.Communication.Groups.GetValueOrDefault(group)
            ?? new() { Down = definition.Communication.Down, Up = definition.Communication.Up };

    /// <summary>Every density that some node of the federation may have.</summary>
    public static IEnumerable<DensitySpec> Densities(this FederationDefinition definition) =>
        definition.Communication.Groups.Values.Append(new() { Down = definition.Communication.Down, Up = definition.Communication.Up });

    /// <summary>Whether what a node of that density receives is sparse.</summary>
    public static bool IsSparseDown(this FederationDefinition definition, double density) =>
        density < 1 || definition.Communication.Values != ValueFormats.Default;

    /// <summary>The vector that nodes of a rank send in a round: every tensor of the factors sent.</summary>
    public static VectorLayout SentLayout(this FederationDefinition definition, int round, int rank) =>
        new(definition.LayoutOf(rank).Tensors(definition.SentFactors(round)));

    /// <summary>What a node of a rank starts from in a round, apart from what it keeps to itself.</summary>
    public static AdapterState StartOf(this FederationDefinition definition, AdapterState global, int round, int rank) =>
        Methods.Get(definition.Method)
            .Start(global, null, new NodeTerms(definition.ToLayout(), definition.ToMethodOptions(), round, definition.Seed, rank)).Adapter;

    /// <summary>The factors that are sent in a round.</summary>
    public static Factors SentFactors(this FederationDefinition definition, int round) =>
        Methods.Get(definition.Method).Sent(round, definition.ToMethodOptions());

    /// <summary>Refuses, at creation, what a method cannot do with sparse communication.</summary>
    /// <exception cref="FedLoraException"><c>method-unsupported</c>, saying why.</exception>
    public static void Check(FederationDefinition definition)
    {
        var method = Methods.Get(definition.Method);
        var communication = definition.Communication;
        if (method.Traits.Folds && definition.Densities().Any(density => definition.IsSparseDown(density.Down)))
            throw Unsupported(
                $"method '{method.Name}' sends a product down that nodes add to their weights for good; masking it would make nodes differ",
                "Use communication.up alone, or another method.");
        if (communication.ErrorFeedback && definition.Privacy is not null)
            throw Unsupported(
                "error feedback keeps what the selection left out, which is not shown to be post-processing of the private update",
                "Leave error_feedback out under privacy.");
        if (communication.ErrorFeedback && method.Traits.MakesFactorsAnew)
            throw Unsupported(
                $"method '{method.Name}' makes its factors anew each round, so that what a node has not sent yet belongs to a basis that "
                    + $"is gone", "Leave error_feedback out, or use a method that averages.");
        if (communication.ServerOptimizer == "fedadam" && WhyNoFedAdam(method) is { } why)
            throw Unsupported($"method '{method.Name}' {why}", "Use server_optimizer: add, or a method that averages.");
    }

    private static string? WhyNoFedAdam(IFederatedMethod method) => method switch
    {
        { Traits.MakesFactorsAnew: true } =>
            "makes its factors anew each round, so that FedAdam's running means would mix coordinates of different bases",
        { Traits.Folds: true } or { Name: "lora-fair" } =>
            "corrects what the plain mean of the factors misses, which FedAdam would not leave where it is",
        { Name: "rolora" } => "trains each factor in every other round only, while FedAdam's running means count every round",
        _ => null,
    };

    private static FedLoraException Unsupported(string why, string hint) =>
        new("method-unsupported", $"The federation's communication cannot work: {why}.", hint);
}
