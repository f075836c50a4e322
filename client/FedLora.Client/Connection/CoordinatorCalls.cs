using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Client.Connection;

/// <summary>The coordinator's services over one channel; made by Grpc.Net.ClientFactory in a node's host.</summary>
/// <param name="invoker">The channel.</param>
public sealed class CoordinatorCalls(CallInvoker invoker)
{
    public Enrolment.EnrolmentClient Enrolment { get; } = new(invoker);

    public Node.NodeClient Node { get; } = new(invoker);

    public Admin.AdminClient Admin { get; } = new(invoker);

    public Upkeep.UpkeepClient Upkeep { get; } = new(invoker);
}
