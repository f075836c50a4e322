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

        return null;
    }
}
