using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;

namespace Orleans;

/// <summary>Identity of a grain or of a reference to one.</summary>
public static class GrainExtensions
{
    public static GrainId GetGrainId(this IAddressable grain) => grain switch
    {
        null => throw new ArgumentNullException(nameof(grain)),
        GrainProxy reference => reference.GrainId,
        IGrainBase self => self.GrainContext.GrainId,
        _ => throw new ArgumentException($"{nameof(GetGrainId)} has been called on an unexpected type: {grain.GetType().FullName}.", nameof(grain)),
    };

    /// <summary>A reference to this grain, which may be handed to others and through which calls queue like any other.</summary>
    public static TGrainInterface AsReference<TGrainInterface>(this IAddressable grain)
    {
        var silo = grain switch
        {
            null => throw new ArgumentNullException(nameof(grain)),
            GrainProxy reference => reference.Silo,
            IGrainBase self => self.GrainContext.ActivationServices.GetRequiredService<Silo>(),
            _ => throw new ArgumentException($"{grain.GetType().FullName} is neither a grain nor a reference to one.", nameof(grain)),
        };
        return (TGrainInterface)GrainProxy.Create(silo, typeof(TGrainInterface), grain.GetGrainId());
    }

    public static TGrainInterface Cast<TGrainInterface>(this IAddressable grain) => grain.AsReference<TGrainInterface>();

    public static string GetPrimaryKeyString(this IAddressable grain) => grain.GetGrainId().Key.ToString();

    public static Guid GetPrimaryKey(this IAddressable grain) => grain.GetPrimaryKey(out _);

    public static Guid GetPrimaryKey(this IAddressable grain, out string? keyExt) =>
        GrainKeys.TryGuid(grain.GetGrainId(), out var key, out keyExt)
            ? key
            : throw new InvalidOperationException($"Unable to extract GUID key from grain id {grain.GetGrainId()}");

    public static long GetPrimaryKeyLong(this IAddressable grain) => grain.GetPrimaryKeyLong(out _);

    public static long GetPrimaryKeyLong(this IAddressable grain, out string? keyExt) =>
        GrainKeys.TryInteger(grain.GetGrainId(), out var key, out keyExt)
            ? key
            : throw new InvalidOperationException($"Unable to extract integer key from grain id {grain.GetGrainId()}");
}
