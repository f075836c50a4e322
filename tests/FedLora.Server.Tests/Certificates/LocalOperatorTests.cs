using System.Reflection;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FedLora.Client.Connection;
using FedLora.Grains;
using FedLora.Grains.Access;
using FedLora.Protocol.V1;
using FedLora.Server.Certificates;
using FedLora.Server.Hosting;
using FedLora.Tests;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace FedLora.Server.Tests.Certificates;

/// <summary>Who may read the data folder.</summary>
public sealed class LocalOperatorTests
{
    [Fact]
    public async Task With_a_companys_certificate_it_reaches_its_coordinator_and_no_other()
    {
        using var given = Company();
        await using var bench = await TlsBench.StartAsync(given);
        Assert.Empty((await bench.Operator.Admin.ListNodesAsync(new ListNodesRequest(), bench.Operator.Options(default))).Nodes);
        using var alike = Company();
        await using var other = await TlsBench.StartAsync(alike);
        using var identity = new PeerIdentity(bench.Data, "operator", bench.Time);
        using var connection = new CoordinatorConnection(other.Url, identity: identity);
        var error = await Assert.ThrowsAsync<Grpc.Core.RpcException>(
            async () => await connection.Admin.ListNodesAsync(new ListNodesRequest(), connection.Options(default)));
        Assert.Equal("coordinator-other", connection.Explain(error).Code);
    }

    [Fact]
    public async Task Revoked_it_stays_so_when_its_certificate_is_renewed()
    {
        await using var bench = await TlsBench.StartAsync();
        await bench.Operator.Admin.RevokeAccessAsync(new RevokeAccessRequest { Holder = "local" }, bench.Operator.Options(default));
        var access = bench.Grains.GetGrain<IAccessGrain>(IAccessGrain.Key);
        var local = Assert.Single(await access.ListAsync(default));
        await access.KeepAsync(local with { Revoked = false }, default);
        Assert.Equal("access-revoked",
            (await Assert.ThrowsAsync<RefusedException>(() => access.AuthenticateAsync(local.Id, local.KeyHash, default))).Code);
        // Another key is another start's, which whoever has the folder may make.
        await access.KeepAsync(local with { KeyHash = "another", Revoked = false }, default);
        Assert.Equal("local", (await access.AuthenticateAsync(local.Id, "another", default)).Name);
    }

    [Fact]
    public async Task A_renewal_that_fails_is_tried_again()
    {
        var root = Directory.CreateTempSubdirectory("fedlora-server-tests-");
        var (time, tries, isBroken) = (new FakeTimeProvider(TimeProvider.System.GetUtcNow()), 0, false);
        using (var folder = new DataFolder(root.FullName))
        using (var authority = CertificateAuthority.Ensure(root.FullName, time))
        {
            var options = new ServerOptions { Data = root.FullName };
            var grains = Scripted.Of<IGrainFactory>(_ => Scripted.Of<IAccessGrain>(_ =>
            {
                tries++;
                return isBroken ? throw new InvalidOperationException("no storage") : Task.CompletedTask;
            }));
            var lazy = new Lazy<CertificateAuthority>(authority);
            using var local = new LocalOperator(lazy, Options.Create(options), folder, grains, time, NullLogger<LocalOperator>.Instance);
            await local.StartAsync(default);
            isBroken = true;
            await UntilAsync(2, LocalOperator.Every);
            isBroken = false;
            await UntilAsync(3, LocalOperator.Pause);
            Assert.False(local.ExecuteTask!.IsCompleted);
            await local.StopAsync(default);
        }
        root.Delete(recursive: true);

        // Its next wait begins a moment after a try: the clock is put forward until there is one.
        Task UntilAsync(int count, TimeSpan by) =>
            Until.SoAsync($"it has tried {count} times", () => tries >= count, () => time.Advance(by));
    }

    private static X509Certificate2 Company()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UtcNow;
        return new CertificateRequest("CN=coordinator.example", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
    }
}

/// <summary>An interface whose every call a test answers.</summary>
public class Scripted : DispatchProxy
{
    private Func<MethodInfo, object?[], object?> _answer = null!;

    internal static T Of<T>(Func<MethodInfo, object?> answer)
        where T : class => Of<T>((called, _) => answer(called));

    /// <summary>The same, told the arguments too.</summary>
    internal static T Of<T>(Func<MethodInfo, object?[], object?> answer)
        where T : class
    {
        var made = Create<T, Scripted>();
        ((Scripted)(object)made)._answer = answer;
        return made;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => _answer(targetMethod!, args ?? []);
}
