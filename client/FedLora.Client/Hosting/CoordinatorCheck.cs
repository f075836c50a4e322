using FedLora.Client.Connection;
using FedLora.Client.State;
using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Client.Hosting;

/// <summary>The coordinator's part of <see cref="SiteCheck"/>: whether it answers, and whether it lets this node in.</summary>
internal sealed class CoordinatorCheck(ClientOptions options, TimeProvider time)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Calls it as this node, or as one that is to join.</summary>
    /// <exception cref="FedLoraException">It does not answer, or would not let this node in.</exception>
    public async Task<SiteFinding> RunAsync(CancellationToken cancellationToken)
    {
        var address = new CoordinatorAddress(options.Coordinator);
        using var identity = new PeerIdentity(options.State, "node", time);
        var credential = NodeCredential.Load(NodeFolder.CredentialFileOf(options.State));
        return credential is { IsEnrolled: true } && (!address.IsSecure || identity.Certificate is not null)
            ? await EnrolledAsync(address, identity, credential, cancellationToken)
            : await StrangerAsync(address, identity, cancellationToken);
    }

    // Who calls is looked at before what is asked for: that there is no such blob is the answer to who is let in.
    private async Task<SiteFinding> EnrolledAsync(CoordinatorAddress address, PeerIdentity identity, NodeCredential credential,
        CancellationToken cancellationToken)
    {
        using var connection = new CoordinatorConnection(address, identity, time) { Credential = credential.Secret };
        var known = new SiteFinding("coordinator", true, $"{address.Url} knows this node as {credential.Name}");
        try
        {
            using var call = connection.Node.GetBlob(new GetBlobRequest(), connection.Options(cancellationToken, Limit));
            await call.ResponseStream.MoveNext(cancellationToken);
            return known;
        }
        catch (RpcException error) when (!cancellationToken.IsCancellationRequested)
        {
            return connection.Explain(error) switch
            {
                { Code: "blob-missing" } => known,
                { Code: "certificate-expired" } =>
                    known with { Says = $"{known.Says}; its certificate has ended and is renewed at the next start" },
                var told => throw told,
            };
        }
    }

    private async Task<SiteFinding> StrangerAsync(CoordinatorAddress address, PeerIdentity identity, CancellationToken cancellationToken)
    {
        var token = JoinToken.Of(options, address.Url);
        var pinned = address.IsSecure ? JoinToken.Parse(token).Authority : null;
        using var connection = new CoordinatorConnection(address, identity, time, pinned is null ? null : PeerIdentity.Unpinned());
        try
        {
            var reply = await connection.Enrolment.GetAuthorityAsync(new GetAuthorityRequest(),
                connection.Options(cancellationToken, Limit));
            if (pinned is not null)
                identity.Pin(reply.Authority.ToByteArray(), pinned, address.Url);
        }
        catch (RpcException error) when (!cancellationToken.IsCancellationRequested)
        {
            // Without TLS it has no authority to tell of, and says so.
            if (connection.Explain(error) is { Code: not "certificate-missing" } told)
                throw told;
        }
        return new("coordinator", true, $"{address.Url} answers; this node joins it as {options.Name} with its token at the first start");
    }
}
