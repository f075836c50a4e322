using Orleans.Concurrency;

namespace FedLora.Grains.Registry;

/// <summary>The coordinator's list of federations; the key is <see cref="Key"/>.</summary>
public interface IRegistryGrain : IGrainWithStringKey
{
    /// <summary>The key of the only one.</summary>
    const string Key = "registry";

    /// <summary>
    /// Join tokens and nodes as coordinators of before kept them here, for <see cref="IEnrolmentGrain"/> to take over; empty where none
    /// did.
    /// </summary>
    [Repeatable]
    Task<EnrolmentRecord> EnrolmentBeforeAsync(CancellationToken cancellationToken);

    /// <summary>Refuses with <c>federation-exists</c> where there is one.</summary>
    [Repeatable]
    Task RequireFreeAsync(string name, CancellationToken cancellationToken);

    /// <summary>Stores and lists what <see cref="FederationCreator"/> has checked, calibrated and made.</summary>
    Task<FederationView> AddFederationAsync(FederationDefinition definition, AdapterRef adapter, NodePrivacy[] privacy,
        CancellationToken cancellationToken);

    [AlwaysInterleave, Repeatable]
    Task<IReadOnlyList<FederationEntry>> ListFederationsAsync(CancellationToken cancellationToken);

    /// <summary>Deletes a federation that is not at work; refuses with <c>federation-unknown</c>, <c>federation-state</c>.</summary>
    Task RemoveFederationAsync(string name, CancellationToken cancellationToken);

    /// <summary>Called by a federation when its status changes.</summary>
    [Repeatable]
    Task NoteFederationAsync(string name, FederationState state, CancellationToken cancellationToken);
}
