using Microsoft.Extensions.Logging;
using Orleans.Messaging;
using Orleans.Runtime.Membership;

namespace FedLora.Server.Frontends;

/// <summary>
/// The silos that may be called, by the cluster's table of members; tells of those that are no longer in it. While the database is away
/// the ones of before are called.
/// </summary>
internal sealed class ClusterGateways(AdoNetGatewayListProvider members, SiloDeaths deaths, ILogger<ClusterGateways> logger)
    : IGatewayListProvider
{
    private IList<Uri> _known = [];
    private bool _isAway;

    public TimeSpan MaxStaleness => members.MaxStaleness;

    public bool IsUpdatable => true;

    public Task InitializeGatewayListProvider() => members.InitializeGatewayListProvider();

    public async Task<IList<Uri>> GetGateways()
    {
        IList<Uri> found;
        try
        {
            found = await members.GetGateways();
            _isAway = false;
        }
        catch (Exception error) when (_known.Count > 0)
        {
            if (!_isAway)
                logger.MembersUnknown(error.GetBaseException().Message.ReplaceLineEndings(" "));
            _isAway = true;
            return _known;
        }

        foreach (var one in found.Except(_known))
            logger.SiloFound(one.Authority);
        foreach (var gone in _known.Except(found))
        {
            logger.SiloGone(gone.Authority, found.Count);
            deaths.Tell();
        }

        return _known = found;
    }
}
