using System.Security.Cryptography;
using FedLora.Client.Hosting;
using FedLora.Client.State;
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
    /// <exception cref="FedLoraException"><c>token-missing</c>.</exception>
    /// <exception cref="RpcException">The coordinator refused, or is not there.</exception>
    public async Task<NodeCredential> EnsureAsync(CancellationToken cancellationToken)
    {
        var credential = NodeCredential.Load(folder.CredentialFile);
        // One that was enrolled without TLS has no certificate: it joins anew.
        if (credential is not { IsEnrolled: true } || (address.IsSecure && identity.Certificate is null))
            credential = await EnrolAsync(credential is { IsEnrolled: true } ? null : credential, cancellationToken);
        else if (address.IsSecure && identity.IsRenewalDue)
            await TryRenewAsync(cancellationToken);
        connection.Credential = credential.Secret;
        return credential;
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
        catch (RpcException error) when (error.StatusCode is not (StatusCode.Unauthenticated
            or StatusCode.PermissionDenied))
        {
            logger.NotRenewed(connection.Explain(error).Message);
        }
    }

    private async Task<NodeCredential> EnrolAsync(NodeCredential? started, CancellationToken cancellationToken)
    {
        var token = JoinToken();
        // Written before it is sent: if the answer is lost, the same request is recognised and answered again. By another name it is
        // another.
        var request = started?.Name == options.Name ? started
            : new NodeCredential(connection.Url, "", options.Name, "", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
        request.Save(folder.CredentialFile);
        var message = new EnrolRequest { Token = token, Name = request.Name, Group = options.Group, RequestId = request.RequestId };
        var reply = await AnsweredAsync(() => address.IsSecure
            ? Joining.JoinAsync(identity, address, token, message, cancellationToken)
            : connection.Enrolment.EnrolAsync(message, connection.Options(cancellationToken, Limit)).ResponseAsync);
        var credential = request with { NodeId = reply.NodeId, Secret = reply.Credential };
        credential.Save(folder.CredentialFile);
        logger.Enrolled(connection.Url, credential.Name, credential.NodeId);
        return credential;
    }

    // A name that was refused is nobody's: the next start may ask by another.
    private async Task<EnrolResponse> AnsweredAsync(Func<Task<EnrolResponse>> ask)
    {
        try
        {
            return await ask();
        }
        catch (RpcException error) when (error.StatusCode is StatusCode.AlreadyExists or StatusCode.InvalidArgument)
        {
            File.Delete(folder.CredentialFile);
            throw;
        }
    }

    // Looked for only now: a file with a token that is used up may be gone when an enrolled node starts again.
    private string JoinToken()
    {
        const string How = "ask the coordinator's operator for one, and give it with --token-file FILE or in FEDLORA_JOIN_TOKEN";
        if (options.Token is { Length: > 0 } token)
            return token;
        if (options.TokenFile is not { } file)
            throw new FedLoraException("token-missing", $"this node is not enrolled at {connection.Url} yet and has no join token", How);
        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } read ? read
                : throw new FedLoraException("token-missing", $"there is no join token in {file}", How);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("token-missing", $"the join token cannot be read: {error.Message}", How, error);
        }
    }
}
