using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FedLora.Client.Connection;
using FedLora.Protocol.V1;
using FedLora.Server.Certificates;
using FedLora.Server.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FedLora.Server.Tests.Certificates;

/// <summary>A coordinator that speaks TLS on a free loopback port, with a clock that the test moves.</summary>
internal sealed class TlsBench : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-tls-tests-");
    private CoordinatorHost? _host;
    private IServiceProvider _services = null!;
    private PeerIdentity? _operator;

    /// <summary>The coordinator's clock, and that of identities made here.</summary>
    internal MovedTime Time { get; } = new();

    internal string Data => Path.Combine(_folder.FullName, "server");

    internal string Url => _host!.Url;

    internal string Pages => _host!.PagesUrl!;

    internal CoordinatorAddress Address => new(Url);

    internal CoordinatorConnection Operator { get; private set; } = null!;

    /// <summary>The coordinator's grains.</summary>
    internal IGrainFactory Grains => Service<IGrainFactory>();

    /// <summary>One of the coordinator's services.</summary>
    internal T Service<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <param name="given">A certificate to show instead of one of its authority.</param>
    /// <param name="configure">What its program adds.</param>
    internal static Task<TlsBench> StartAsync(X509Certificate2? given = null, Action<IHostApplicationBuilder>? configure = null)
    {
        var bench = new TlsBench();
        return given is null ? bench.StartAsync(null, null, configure)
            : bench.StartAsync(bench.Write("given.pem", given.ExportCertificatePem()),
                bench.Write("given.key", given.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()), configure);
    }

    /// <summary>With files of a certificate, and those above it, and its key.</summary>
    internal static Task<TlsBench> StartAsync(string certificateFile, string keyFile) =>
        new TlsBench().StartAsync(certificateFile, keyFile, null);

    private async Task<TlsBench> StartAsync(string? certificateFile, string? keyFile, Action<IHostApplicationBuilder>? configure)
    {
        var options = new ServerOptions
        {
            Data = Data,
            Listen = "https://127.0.0.1:0",
            Certificate = certificateFile,
            CertificateKey = keyFile,
        };
        _host = await CoordinatorHost.StartAsync(options, builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(Time);
            builder.Services.AddHostedService(provider =>
            {
                _services = provider;
                return new Nothing();
            });
            configure?.Invoke(builder);
        }, CancellationToken.None);
        _operator = new PeerIdentity(Data, "operator", Time);
        Operator = new CoordinatorConnection(Url, identity: _operator);
        return this;
    }

    internal async Task<string> TokenAsync(string role = "node", string name = "") =>
        (await Operator.Admin.CreateTokenAsync(new CreateTokenRequest { Role = role, Name = name }, Operator.Options(default))).Token;

    internal X509Certificate2 Authority() => X509Certificate2.CreateFromPem(File.ReadAllText(CertificateAuthority.FileOf(Data)));

    internal string Fingerprint() => Convert.ToHexStringLower(SHA256.HashData(Authority().RawData));

    /// <summary>
    /// Options of an operator's call whose certificate the moved clock may have ended: renewed first, over a new connection.
    /// </summary>
    internal async Task<Grpc.Core.CallOptions> OptionsAsync()
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(await File.ReadAllTextAsync(Path.Combine(Data, "operator.pem")));
        using var bare = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(Path.Combine(Data, "operator.pem")));
        var folder = Folder("operator");
        AtomicFile.WriteSecret(Path.Combine(folder, "operator.key"), key.ExportPkcs8PrivateKeyPem());
        AtomicFile.Write(Path.Combine(folder, "operator.pem"), bare.ExportCertificatePem());
        File.Copy(CertificateAuthority.FileOf(Data), Path.Combine(folder, "authority.pem"), overwrite: true);
        Operator.Dispose();
        _operator = new PeerIdentity(folder, "operator", Time);
        await Joining.RenewAsync(_operator, Address, default);
        Operator = new CoordinatorConnection(Url, identity: _operator);
        return Operator.Options(default);
    }

    internal string Folder(string name) => Directory.CreateDirectory(Path.Combine(_folder.FullName, name)).FullName;

    internal PeerIdentity Identity(string name) => new(Folder(name), "node", Time);

    /// <summary>An operator or auditor who has joined.</summary>
    internal async Task<(PeerIdentity Identity, string Id)> JoinAsync(string name, string role)
    {
        var identity = Identity(name);
        var reply = await Joining.JoinAsync(identity, Address, await TokenAsync(role, name), new EnrolRequest { Joiner = Joiner.Person },
            default);
        return (identity, reply.NodeId);
    }

    /// <summary>A node that has joined.</summary>
    internal async Task<(PeerIdentity Identity, string Id)> JoinAsync(string name)
    {
        var identity = Identity(name);
        var reply = await Joining.JoinAsync(identity, Address, await TokenAsync(),
            new EnrolRequest { Name = name, RequestId = Guid.NewGuid().ToString("N") }, default);
        return (identity, reply.NodeId);
    }

    public async ValueTask DisposeAsync()
    {
        Operator.Dispose();
        _operator!.Dispose();
        await _host!.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private string Write(string name, string content)
    {
        var file = Path.Combine(_folder.FullName, name);
        AtomicFile.WriteSecret(file, content);
        return file;
    }

    // Is there to be given the services.
    private sealed class Nothing : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    /// <summary>The system's clock, put forward or back; its timers are the system's.</summary>
    internal sealed class MovedTime : TimeProvider
    {
        internal TimeSpan By { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + By;
    }
}
