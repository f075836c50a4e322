using System.Text;
using Grpc.Core.Utils;

namespace Grpc.Core;

/// <summary>Who the peer of a call is, as its certificate says.</summary>
public class AuthContext
{
    private readonly string? _identityProperty;
    private readonly Dictionary<string, List<AuthProperty>> _properties;

    public AuthContext(string? peerIdentityPropertyName, Dictionary<string, List<AuthProperty>> properties)
    {
        _identityProperty = peerIdentityPropertyName;
        _properties = GrpcPreconditions.CheckNotNull(properties, nameof(properties));
    }

    public bool IsPeerAuthenticated => _identityProperty is not null;

    public string? PeerIdentityPropertyName => _identityProperty;

    public IEnumerable<AuthProperty> PeerIdentity => _identityProperty is null ? [] : FindPropertiesByName(_identityProperty);

    public IEnumerable<AuthProperty> Properties => _properties.Values.SelectMany(values => values);

    public IEnumerable<AuthProperty> FindPropertiesByName(string propertyName) =>
        _properties.TryGetValue(propertyName, out var found) ? found : [];
}

/// <summary>One fact about the peer.</summary>
public class AuthProperty
{
    private readonly byte[] _value;

    private AuthProperty(string name, byte[] value)
    {
        Name = GrpcPreconditions.CheckNotNull(name, nameof(name));
        _value = GrpcPreconditions.CheckNotNull(value, nameof(value)).AsSpan().ToArray();
    }

    public string Name { get; }

    public string Value => Encoding.UTF8.GetString(_value);

    public byte[] ValueBytes => [.. _value];

    public static AuthProperty Create(string name, byte[] valueBytes) => new(name, valueBytes);
}
