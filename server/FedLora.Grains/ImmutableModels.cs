using FedLora.Privacy.Ledger;
using Orleans.Serialization.Cloning;

namespace FedLora.Grains;

/// <summary>
/// What the pure rooms define is immutable: a grain in the same process gets the very object instead of a copy by way of JSON.
/// </summary>
internal sealed class ImmutableModels : IGeneralizedCopier
{
    public static bool IsModel(Type type) => type.Assembly == typeof(FederationDefinition).Assembly || type == typeof(LedgerReceipt);

    public bool IsSupportedType(Type type) => IsModel(type);

    public object? DeepCopy(object? input, CopyContext context) => input;
}
