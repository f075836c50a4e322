using System.Reflection;

namespace FedLora.Grains.Tests.Cluster;

/// <summary>Every call of a grain says whether a frontend may make it again; a new one must be thought of.</summary>
public sealed class RepeatableTests
{
    // Made again, they would do more, or answer otherwise: another token, a name that is taken now, a code that is used up.
    private static readonly string[] Once =
    [
        "IAccessGrain.CreateTokenAsync", "IAccessGrain.RevokeTokenAsync", "IEnrolmentGrain.CreateTokenAsync",
        "IEnrolmentGrain.DeleteNodeAsync", "IEnrolmentGrain.RevokeTokenAsync", "IFederationGrain.CreateAsync",
        "IFederationGrain.DeleteAsync", "IJanitorGrain.CleanUpAsync",
        "IRegistryGrain.AddFederationAsync", "IRegistryGrain.RemoveFederationAsync", "ISessionsGrain.IssueAsync",
        "ISessionsGrain.OpenAsync",
    ];

    [Fact]
    public void Every_call_may_be_repeated_or_is_known_to_be_made_once() => Assert.Equal(Once,
        typeof(RepeatableAttribute).Assembly.GetTypes().Where(type => type.IsInterface && typeof(IGrain).IsAssignableFrom(type))
            .SelectMany(type => type.GetMethods()).Where(method => !method.IsDefined(typeof(RepeatableAttribute)))
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}").Order(StringComparer.Ordinal));
}
