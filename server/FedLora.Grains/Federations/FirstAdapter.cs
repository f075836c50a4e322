using FedLora.Adapters;
using FedLora.Aggregation;

namespace FedLora.Grains.Federations;

/// <summary>The global adapter before round 1.</summary>
internal static class FirstAdapter
{
    /// <summary>The uploaded one, checked; or what the method makes of layout and seed.</summary>
    public static async Task<AdapterRef> MakeAsync(IBlobStore blobs, FederationDefinition definition, string? uploaded,
        CancellationToken cancellationToken)
    {
        var method = Methods.Get(definition.Method);
        try
        {
            if (uploaded is null)
                return await blobs.PutAdapterAsync(method.Initialize(definition.ToLayout(), definition.ToMethodOptions(), definition.Seed),
                    cancellationToken);
            var adapter = await blobs.GetAdapterAsync(uploaded, cancellationToken);
            adapter.RequireFinite();
            var factors = method.Traits.StartsFromWeights ? Factors.A | Factors.B | Factors.R | Factors.Head
                : Factors.A | Factors.B | Factors.Head;
            definition.ToLayout().Require(adapter, factors, "The first adapter");
            method.CheckInitial(adapter);
            // Under its canonical bytes, so that its hash is the adapter's.
            return await blobs.PutAdapterAsync(adapter, cancellationToken);
        }
        catch (FedLoraException error)
        {
            throw new RefusedException(RefusalCodes.DefinitionInvalid, error.Message, error.Hint);
        }
    }
}
