using System.Security.Cryptography.X509Certificates;
using FedLora.Protocol.V1;

namespace FedLora.Client.Connection;

/// <summary>
/// How a program gets its certificate from a coordinator, and a new one in time. Each step has a connection of its own: one that is open
/// keeps the identity of its handshake.
/// </summary>
public static class Joining
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Joins with a token: checks that the coordinator is the one that the token names, and only then shows the token's secret.
    /// </summary>
    /// <param name="identity">Takes authority and certificate.</param>
    /// <param name="address">The coordinator's.</param>
    /// <param name="token">As it was given out.</param>
    /// <param name="request">Name, group, request id.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="Grpc.Core.RpcException">The coordinator refused, or is not there.</exception>
    /// <exception cref="FedLoraException"><c>coordinator-other</c>, <c>token-invalid</c>.</exception>
    public static async Task<EnrolResponse> JoinAsync(PeerIdentity identity, CoordinatorAddress address, string token, EnrolRequest request,
        CancellationToken cancellationToken)
    {
        var join = JoinToken.Parse(token);
        if (join.Authority is { } fingerprint && identity.Authority != fingerprint)
        {
            using var first = new CoordinatorConnection(address, identity: null, tls: PeerIdentity.Unpinned());
            var reply = await first.Enrolment.GetAuthorityAsync(new GetAuthorityRequest(), first.Options(cancellationToken, Limit));
            identity.Pin(reply.Authority.ToByteArray(), fingerprint, address.Url);
        }
        else if (join.Authority is null)
            identity.Unpin();
        using var connection = new CoordinatorConnection(address, identity);
        var (secret, csr) = (join.Secret, Google.Protobuf.ByteString.CopyFrom(identity.CreateRequest()));
        var enrolled = await CallAsync(connection, () => connection.Enrolment.EnrolAsync(
            new EnrolRequest(request) { Token = secret, CertificateRequest = csr },
            connection.Options(cancellationToken, Limit)).ResponseAsync);
        identity.Take(enrolled.Certificate.ToByteArray());
        return enrolled;
    }

    /// <summary>A new certificate for the same key.</summary>
    /// <exception cref="Grpc.Core.RpcException">The coordinator refused, or is not there.</exception>
    public static async Task RenewAsync(PeerIdentity identity, CoordinatorAddress address, CancellationToken cancellationToken) =>
        identity.Take(await RenewAsync(identity, address, new RenewRequest(), cancellationToken));

    /// <summary>A certificate for the same key that is kept elsewhere, where nothing renews it; the program goes on with its own.</summary>
    /// <param name="identity">An operator's or auditor's.</param>
    /// <param name="address">The coordinator's.</param>
    /// <param name="days">How long it shall hold, 1 to 366.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>It and its key.</returns>
    /// <exception cref="Grpc.Core.RpcException">The coordinator refused, or is not there.</exception>
    public static async Task<X509Certificate2> IssueAsync(PeerIdentity identity, CoordinatorAddress address, uint days,
        CancellationToken cancellationToken) =>
        identity.WithKey(await RenewAsync(identity, address, new RenewRequest { ValidDays = days }, cancellationToken));

    private static async Task<byte[]> RenewAsync(PeerIdentity identity, CoordinatorAddress address, RenewRequest request,
        CancellationToken cancellationToken)
    {
        using var connection = new CoordinatorConnection(address, identity);
        var reply = await CallAsync(connection,
            () => connection.Enrolment.RenewAsync(request, connection.Options(cancellationToken, Limit)).ResponseAsync);
        return reply.Certificate.ToByteArray();
    }

    // A coordinator that is not trusted is an answer, not a network that fails.
    private static async Task<T> CallAsync<T>(CoordinatorConnection connection, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Grpc.Core.RpcException error) when (connection.Explain(error).Code == "coordinator-other")
        {
            throw connection.Explain(error);
        }
    }
}
