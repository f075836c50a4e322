using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Hosting;

/// <summary>Says which coordinators come to the cluster, and which are gone.</summary>
internal sealed class ClusterMembers(ISiloStatusOracle members, ILogger<ClusterMembers> logger) : IHostedService, ISiloStatusListener
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        members.SubscribeToSiloStatusEvents(this);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        members.UnSubscribeFromSiloStatusEvents(this);
        return Task.CompletedTask;
    }

    void ISiloStatusListener.SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
    {
        if (updatedSilo.Equals(members.SiloAddress))
            return;
        if (status == SiloStatus.Active)
            logger.SiloJoined(updatedSilo.Endpoint.ToString());
        else if (status == SiloStatus.Dead)
            logger.SiloDead(updatedSilo.Endpoint.ToString());
    }
}
