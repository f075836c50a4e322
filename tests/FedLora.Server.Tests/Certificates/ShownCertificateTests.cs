using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using FedLora.Protocol.V1;
using FedLora.Server.Certificates;
using FedLora.Server.Hosting;
using FedLora.Tests;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace FedLora.Server.Tests.Certificates;

/// <summary>A company's certificate: with its chain, and as its file is now.</summary>
public sealed class ShownCertificateTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-server-tests-");
    private readonly CompanyChain _company = new();

    private string Certificate => Path.Combine(_folder.FullName, "given.pem");

    private string Key => Path.Combine(_folder.FullName, "given.key");

    /// <summary>Who trusts the company's root alone could not connect: the certificate between was not sent.</summary>
    [Fact]
    public async Task Whoever_trusts_the_root_alone_connects_and_meets_the_new_one_after_it_is_replaced()
    {
        var first = _company.Write(Certificate, Key);
        await using var bench = await TlsBench.StartAsync(Certificate, Key);
        Assert.Equal(first, await SerialAsync(bench.Url));
        Assert.Empty((await bench.Operator.Admin.ListNodesAsync(new ListNodesRequest(), bench.Operator.Options(default))).Nodes);
        var second = _company.Write(Certificate, Key);
        Assert.NotEqual(first, second);
        bench.Service<IEnumerable<Microsoft.Extensions.Hosting.IHostedService>>().OfType<ShownCertificate>().Single().Look();
        Assert.Equal(second, await SerialAsync(bench.Url));
        // What is open goes on; whoever reads the data folder finds the new one.
        Assert.Empty((await bench.Operator.Admin.ListNodesAsync(new ListNodesRequest(), bench.Operator.Options(default))).Nodes);
        using var shown = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(Path.Combine(bench.Data, "coordinator.pem"),
            TestContext.Current.CancellationToken));
        Assert.Equal(second, shown.SerialNumber);
    }

    [Fact]
    public async Task A_replacement_is_found_by_itself_and_a_broken_one_keeps_the_one_of_before_and_warns_once()
    {
        var first = _company.Write(Certificate, Key);
        var (time, log) = (new FakeTimeProvider(), new Heard());
        var options = new ServerOptions { Data = Path.Combine(_folder.FullName, "data"), Certificate = Certificate, CertificateKey = Key };
        using var folder = new DataFolder(options.Data);
        using var authority = CertificateAuthority.Ensure(folder.Root, TimeProvider.System);
        var certificate = new ServerCertificate(options, new(authority), time);
        using var shown = new ShownCertificate(certificate, Options.Create(options), folder, time, log);
        await shown.StartAsync(default);
        await File.WriteAllTextAsync(Key, "half a key", TestContext.Current.CancellationToken);
        await UntilAsync("half a key is warned of", () => log.Count(LogLevel.Warning) == 1);
        shown.Look();
        Assert.Equal((1, first), (log.Count(LogLevel.Warning), certificate.Given!.SerialNumber));
        var second = _company.Write(Certificate, Key);
        await UntilAsync("the second certificate is shown",
            () => certificate.Given!.SerialNumber == second && log.Count(LogLevel.Information) == 1);
        // Found in the middle of the replacement it may have warned once more.
        var warned = log.Count(LogLevel.Warning);
        File.Delete(Certificate);
        await UntilAsync("the missing file is warned of", () => log.Count(LogLevel.Warning) > warned);
        Assert.Equal(second, certificate.Given!.SerialNumber);
        await shown.StopAsync(default);
        Assert.False(File.Exists(ShownCertificate.FileOf(folder.Root)));

        // Its next wait begins a moment after a look: the clock is put forward until there is one.
        Task UntilAsync(string what, Func<bool> isSo) => Until.SoAsync(what, isSo, () => time.Advance(ShownCertificate.Every));
    }

    public void Dispose()
    {
        _company.Dispose();
        _folder.Delete(recursive: true);
    }

    // As a machine connects that trusts the company's root: nothing of the chain but what the handshake brings.
    private async Task<string> SerialAsync(string url)
    {
        var address = new Uri(url);
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        await using var stream = new SslStream(client.GetStream());
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { _company.Root },
                    RevocationMode = X509RevocationMode.NoCheck,
                    DisableCertificateDownloads = true,
                },
            }, TestContext.Current.CancellationToken);
        return ((X509Certificate2)stream.RemoteCertificate!).SerialNumber;
    }

    private sealed class Heard : ILogger<ShownCertificate>
    {
        private readonly List<LogLevel> _levels = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            lock (_levels)
                _levels.Add(logLevel);
        }

        internal int Count(LogLevel level)
        {
            lock (_levels)
                return _levels.Count(heard => heard == level);
        }
    }
}
