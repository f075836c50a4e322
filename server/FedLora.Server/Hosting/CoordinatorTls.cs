using FedLora.Server.Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace FedLora.Server.Hosting;

/// <summary>TLS as the coordinator speaks it, for whatever else its program listens at.</summary>
public static class CoordinatorTls
{
    /// <summary>
    /// Shows the coordinator's certificate and asks in the handshake for one of its authority, without insisting: who has none, or one
    /// that is refused, hears why from what is served. (Asked for later, by renegotiation, it would reach no browser over TLS 1.3.)
    /// </summary>
    /// <param name="listen">Where.</param>
    /// <param name="handshake">How long one may take; a person may be asked which certificate to show.</param>
    public static ListenOptions UseCoordinatorTls(this ListenOptions listen, TimeSpan handshake) => listen.UseHttps(https =>
    {
        listen.ApplicationServices.GetRequiredService<ServerCertificate>().Configure(https);
        https.HandshakeTimeout = handshake;
    });
}
