using System.Security.Cryptography;
using System.Text;
using FedLora.Client.Hosting;
using FedLora.Client.State;
using FedLora.Protocol;
using FedLora.Protocol.V1;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace FedLora.Client.Connection;

/// <summary>Makes this daemon a training node of its coordinator, once; from then on its identity comes from disk.</summary>
public sealed class Enroller(CoordinatorConnection connection, CoordinatorAddress address, PeerIdentity identity, NodeFolder folder,
    ClientOptions options, ILogger<Enroller> logger)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Enrols if need be and gives the connection its credential.</summary>
    /// <exception cref="FedLoraException"><c>token-missing</c>; the coordinator refused the join: nothing of it stays but the
    /// key.</exception>
    /// <exception cref="RpcException">The coordinator refused a renewal, or is not there.</exception>
    public async Task<NodeCredential> EnsureAsync(CancellationToken cancellationToken)
    {
        var credential = NodeCredential.Load(folder.CredentialFile);
        // One that was enrolled without TLS has no certificate: it joins anew.
        if (credential is not { IsEnrolled: true } || (address.IsSecure && identity.Certificate is null))
            credential = await EnrolAsync(credential, cancellationToken);
        else if (address.IsSecure && identity.IsRenewalDue)
            await TryRenewAsync(cancellationToken);
        connection.Credential = credential.Secret;
        return credential;
    }

    /// <summary>
    /// What the coordinator calls this node: its operator may have renamed it. It goes by that from now on, also after a restart.
    /// </summary>
    /// <exception cref="FedLoraException"><c>file-write-failed</c>.</exception>
    public void IsCalled(string name)
    {
        if (name.Length == 0 || name == options.Name || NodeCredential.Load(folder.CredentialFile) is not { } credential)
            return;
        (credential with { Name = name }).Save(folder.CredentialFile);
        logger.IsRenamed(options.Name, name);
        options.Name = name;
    }

    /// <summary>A new certificate for this node's key.</summary>
    /// <exception cref="RpcException">The coordinator refused, or is not there.</exception>
    public async Task RenewAsync(CancellationToken cancellationToken)
    {
        await Joining.RenewAsync(identity, address, cancellationToken);
        logger.Renewed(identity.Certificate!.NotAfter.ToUniversalTime());
    }

    // Long before the end: where it fails, the calls that follow say why, and it is tried again.
    private async Task TryRenewAsync(CancellationToken cancellationToken)
    {
        try
        {
            await RenewAsync(cancellationToken);
        }
        catch (RpcException error) when (error.StatusCode is not (StatusCode.Unauthenticated or StatusCode.PermissionDenied))
        {
            logger.NotRenewed(connection.Explain(error).Message);
        }
    }

    private async Task<NodeCredential> EnrolAsync(NodeCredential? before, CancellationToken cancellationToken)
    {
        // Looked for only now: a file with a token that is used up may be gone when an enrolled node starts again.
        var token = JoinToken.Of(options, connection.Url);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        // One whose answer was lost is the same again only with the same token and name.
        var lost = before is { IsEnrolled: false } && before.TokenHash == hash && before.Name == options.Name ? before : null;
        var request = lost ?? new NodeCredential(connection.Url, "", options.Name, "",
            Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), hash);
        // Written before it is sent: if the answer is lost, the same request is recognised and answered again.
        request.Save(folder.CredentialFile);
        var message = new EnrolRequest
        {
            Token = token,
            Name = request.Name,
            Group = options.Group,
            RequestId = request.RequestId,
            Joiner = Joiner.Node,
        };
        EnrolResponse reply;
        try
        {
            reply = address.IsSecure
                ? await Joining.JoinAsync(identity, address, token, message, cancellationToken)
                : await connection.Enrolment.EnrolAsync(message, connection.Options(cancellationToken, Limit));
        }
        catch (Exception error) when (error is FedLoraException { Code: "coordinator-other" or "token-invalid" }
            || (error is RpcException call && RpcErrors.IsRefusal(call)))
        {
            // Nothing stays of a join that was refused: the next one has its own name, token and coordinator.
            PutBack(lost is null ? before : null);
            throw error is RpcException refused ? connection.Explain(refused) : error;
        }
        var credential = request with { NodeId = reply.NodeId, Secret = reply.Credential, TokenHash = "" };
        credential.Save(folder.CredentialFile);
        logger.Enrolled(connection.Url, credential.Name, credential.NodeId);
        return credential;
    }

    private void PutBack(NodeCredential? before)
    {
        if (before is null)
            File.Delete(folder.CredentialFile);
        else
            before.Save(folder.CredentialFile);
    }
}
