using FedLora.Adapters;
using FedLora.Protocol.V1;

namespace FedLora.Client.Training;

/// <summary>What this version's nodes can do, checked where a federation is created and again where it would be trained: nothing is left out silently.</summary>
public static class Supported
{
    /// <summary>Why nodes of this version cannot train such a federation; null if they can.</summary>
    public static FedLoraException? Refusal(FederationDefinition federation)
    {
        if (federation.Privacy is not null)
        {
            return new FedLoraException("privacy-unsupported", "this version's nodes do not train with differential privacy",
                "leave out the privacy terms (--epsilon), or update nodes and operator to a version that has them");
        }
        var sparse = federation.Communication is { } communication
            && (communication.Groups.Values.Select(group => group.Down).Concat(federation.Communication.Groups.Values.Select(group => group.Up))
                .Append(communication.Down).Append(communication.Up).Any(density => density is > 0 and < 1)
                || communication.ErrorFeedback || communication.ServerOptimizer is "fedadam");
        return sparse
            ? new FedLoraException("sparse-unsupported", "this version's nodes send whole updates, not sparse ones", "leave out the densities, error feedback and fedadam, or update nodes and operator")
            : null;
    }
}
