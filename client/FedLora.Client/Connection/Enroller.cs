using System.Security.Cryptography;
using FedLora.Client.Hosting;
using FedLora.Client.State;
using FedLora.Protocol.V1;
using Microsoft.Extensions.Logging;

namespace FedLora.Client.Connection;

/// <summary>Makes this daemon a training node of its coordinator, once; from then on its identity comes from disk.</summary>
public sealed class Enroller(CoordinatorConnection connection, NodeFolder folder, ClientOptions options, ILogger<Enroller> logger)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Enrols if need be and gives the connection its credential.</summary>
    /// <exception cref="FedLoraException"><c>token-missing</c>.</exception>
    /// <exception cref="Grpc.Core.RpcException">The coordinator refused, or is not there.</exception>
    public async Task<NodeCredential> EnsureAsync(CancellationToken cancellation)
    {
        var credential = NodeCredential.Load(folder.CredentialFile);
        if (credential is not { IsEnrolled: true })
            credential = await EnrolAsync(credential, cancellation);
        connection.Credential = credential.Secret;
        return credential;
    }

    private async Task<NodeCredential> EnrolAsync(NodeCredential? started, CancellationToken cancellation)
    {
        var token = JoinToken();
        // Written before it is sent: if the answer is lost, the same request is recognised and answered again.
        var request = started ?? new NodeCredential(connection.Url, "", options.Name, "", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
        request.Save(folder.CredentialFile);
        var reply = await connection.Enrolment.EnrolAsync(
            new EnrolRequest { Token = token, Name = request.Name, Group = options.Group, RequestId = request.RequestId }, connection.Options(cancellation, Limit));
        var credential = request with { NodeId = reply.NodeId, Secret = reply.Credential };
        credential.Save(folder.CredentialFile);
        logger.Enrolled(connection.Url, credential.Name, credential.NodeId);
        return credential;
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
            return File.ReadAllText(file).Trim() is { Length: > 0 } read ? read : throw new FedLoraException("token-missing", $"there is no join token in {file}", How);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("token-missing", $"the join token cannot be read: {error.Message}", How, error);
        }
    }
}
