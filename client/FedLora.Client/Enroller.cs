using System.Security.Cryptography;
using FedLora.Client.Configuration;
using FedLora.Client.Connection;
using FedLora.Client.State;
using FedLora.Protocol.V1;
using Microsoft.Extensions.Logging;

namespace FedLora.Client;

/// <summary>Makes this daemon a training node of its coordinator, once; from then on its identity comes from disk.</summary>
public sealed class Enroller(CoordinatorConnection connection, NodeFolder folder, ClientOptions options, ILogger logger)
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
        if (options.Token is not { Length: > 0 } token)
        {
            throw new FedLoraException("token-missing", $"this node is not enrolled at {connection.Url} yet and has no join token",
                "get one with 'fedlora admin token create' and give it with --token");
        }
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
}
