using Microsoft.AspNetCore.Builder;

namespace FedLora.Server.Hosting;

/// <summary>Pages for people, where the coordinator's program adds them.</summary>
public interface ICoordinatorPages
{
    /// <summary>Where they are served, with the port it really has; only once the coordinator has started.</summary>
    string Url { get; }

    /// <summary>Maps them.</summary>
    void Map(WebApplication web);
}
