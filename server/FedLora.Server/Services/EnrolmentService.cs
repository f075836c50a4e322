using FedLora.Grains;
using FedLora.Protocol.V1;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Services;

/// <summary>Enrolment with a join token.</summary>
internal sealed class EnrolmentService(IGrainFactory grains, ILogger<EnrolmentService> logger) : Enrolment.EnrolmentBase
{
    public override async Task<EnrolResponse> Enrol(Protocol.V1.EnrolRequest request, ServerCallContext context)
    {
        var registry = grains.GetGrain<IRegistryGrain>(IRegistryGrain.Key);
        var reply = await registry.EnrolAsync(
            new Grains.EnrolRequest { Token = request.Token, Name = request.Name, Group = request.Group, RequestId = request.RequestId }, context.CancellationToken);
        logger.Enrolled(request.Name, reply.NodeId);
        return new EnrolResponse { NodeId = reply.NodeId, Credential = Callers.NodeCredential(reply.NodeId, reply.Credential) };
    }
}
