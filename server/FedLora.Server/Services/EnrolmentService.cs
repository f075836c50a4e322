using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Services;

/// <summary>Enrolment with a join token, which is what lets a stranger in.</summary>
[AllowAnonymous]
internal sealed class EnrolmentService(IGrainFactory grains, ILogger<EnrolmentService> logger) : Enrolment.EnrolmentBase
{
    public override async Task<EnrolResponse> Enrol(Protocol.V1.EnrolRequest request, ServerCallContext context)
    {
        var enrolment = grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key);
        var reply = await enrolment.EnrolAsync(
            new Grains.Enrolment.EnrolRequest { Token = request.Token, Name = request.Name, Group = request.Group, RequestId = request.RequestId }, context.CancellationToken);
        logger.Enrolled(request.Name, reply.NodeId);
        return new EnrolResponse { NodeId = reply.NodeId, Credential = new NodeBearer(reply.NodeId, reply.Credential).ToString() };
    }
}
