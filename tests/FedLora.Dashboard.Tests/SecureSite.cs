using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using FedLora.Client.Connection;
using FedLora.Dashboard.Hosting;
using FedLora.Server.Tests.Certificates;

namespace FedLora.Dashboard.Tests;

/// <summary>A coordinator whose pages are served over TLS, and browsers without a screen that show certificates.</summary>
internal sealed class SecureSite : IAsyncDisposable
{
    private readonly List<IDisposable> _used = [];

    private SecureSite(TlsBench bench) => Bench = bench;

    internal TlsBench Bench { get; }

    internal static async Task<SecureSite> StartAsync() =>
        new(await TlsBench.StartAsync(configure: builder => builder.AddFedLoraDashboard("https://127.0.0.1:0")));

    /// <summary>A browser of somebody who has joined, with his certificate.</summary>
    internal async Task<(HttpClient Browser, string Id, PeerIdentity Identity)> JoinAsync(string name, string role)
    {
        var (identity, id) = await (role == "node" ? Bench.JoinAsync(name) : Bench.JoinAsync(name, role));
        _used.Add(identity);
        return (Browser(identity.Certificate), id, identity);
    }

    /// <summary>A browser; it follows no redirection.</summary>
    /// <param name="certificate">What it shows; null: nothing.</param>
    internal HttpClient Browser(X509Certificate2? certificate)
    {
        var authority = Bench.Authority();
        var browser = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            CookieContainer = new CookieContainer(),
            SslOptions = new SslClientAuthenticationOptions
            {
                // Whatever the coordinator asks for.
                LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate!,
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.Issuer == authority.Subject,
            },
        })
        { BaseAddress = new Uri(Bench.Pages), Timeout = Server.Tests.Bench.Never };
        _used.Add(browser);
        _used.Add(authority);
        return browser;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var used in _used)
            used.Dispose();
        await Bench.DisposeAsync();
    }
}
