using System.Diagnostics.Metrics;
using FedLora.Client.Connection;
using FedLora.Client.Hosting;
using FedLora.Client.Ledger;
using FedLora.Client.Rounds;
using FedLora.Client.State;
using FedLora.Compression;
using FedLora.Protocol.V1;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace FedLora.Client.Tests;

/// <summary>The daemon while there is no coordinator.</summary>
public sealed class DaemonTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-client-tests-");

    [Fact]
    public async Task It_tries_again_with_growing_waits_until_it_is_ended()
    {
        const int Tries = 8;
        var time = new RecordedTime(Tries);
        using var end = new CancellationTokenSource();
        var daemon = RunAsync(time, "token", end.Token);
        var waits = await time.WaitsAsync();
        for (var tries = 0; tries < Tries; tries++)
        {
            var full = Math.Min(60, Math.Pow(2, tries));
            Assert.InRange(waits[tries].TotalSeconds, full / 2, full);
        }
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => daemon);
    }

    [Fact]
    public async Task An_enrolment_whose_answer_was_lost_is_asked_for_again_as_the_same_request()
    {
        var file = Path.Combine(_folder.FullName, "state", "node.json");
        Assert.Equal(await FailingAsync(), await FailingAsync());

        async Task<string> FailingAsync()
        {
            var time = new RecordedTime(1);
            using var end = new CancellationTokenSource();
            var daemon = RunAsync(time, "token", end.Token);
            await time.WaitsAsync();
            await end.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => daemon);
            var credential = NodeCredential.Load(file)!;
            Assert.False(credential.IsEnrolled);
            return credential.RequestId;
        }
    }

    [Fact]
    public async Task Without_a_token_a_node_that_is_not_enrolled_says_what_it_needs() =>
        Assert.Equal("token-missing",
            (await Assert.ThrowsAsync<FedLoraException>(() => RunAsync(new RecordedTime(1), null, CancellationToken.None))).Code);

    [Theory]
    [InlineData(null)]
    [InlineData("  \n")]
    public async Task A_token_file_that_is_not_there_or_empty_is_named(string? content)
    {
        var file = Path.Combine(_folder.FullName, "token");
        if (content is not null)
            await File.WriteAllTextAsync(file, content, TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<FedLoraException>(() => RunAsync(new RecordedTime(1), null, CancellationToken.None, file));
        Assert.Equal("token-missing", error.Code);
        Assert.Contains(file, error.Message);
    }

    [Fact]
    public async Task A_waiting_update_that_cannot_be_read_keeps_nobody_from_polling()
    {
        using var state = new NodeFolder(Path.Combine(_folder.FullName, "state"));
        var home = state.FederationFolder("mail");
        var bytes = new byte[100];
        var update = PendingUpdate.Save(home, new UpdateHeader
        {
            Federation = "mail",
            Round = 3,
            Blob = new BlobRef
            {
                Sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)),
                Size = bytes.Length
            },
        }, bytes);
        await using var held = new FileStream(update.Path!, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.Throws<IOException>(() => PendingUpdate.Waiting(home));
        using var connection = new CoordinatorConnection(Nowhere);
        await new UpdateSender(connection, state, NullLogger<UpdateSender>.Instance, TimeProvider.System)
            .SendWaitingAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_state_folder_has_one_daemon()
    {
        using var first = new NodeFolder(_folder.FullName);
        Assert.Equal("state-locked", Assert.Throws<FedLoraException>(() => new NodeFolder(_folder.FullName)).Code);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("ftp://127.0.0.1:5080")]
    [InlineData("http://coordinator.example:5080")]
    public void An_address_that_cannot_be_used_is_refused(string url) =>
        Assert.Equal("coordinator-url", Assert.Throws<FedLoraException>(() => new CoordinatorConnection(url)).Code);

    public void Dispose() => _folder.Delete(recursive: true);

    private async Task RunAsync(TimeProvider time, string? token, CancellationToken cancellationToken, string? tokenFile = null)
    {
        var options = new ClientOptions
        {
            Coordinator = Nowhere,
            Data = "",
            Model = "",
            State = Path.Combine(_folder.FullName, "state"),
            Token = token,
            TokenFile = tokenFile,
            Name = "site",
        };
        using var state = new NodeFolder(options.State);
        using var connection = new CoordinatorConnection(options.Coordinator);
        using var trainer = new NoTrainer();
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meters = services.GetRequiredService<IMeterFactory>();
        using var ledger = NodeLedger.Open(options, time);
        var rules = new SiteRules(options, ledger, time);
        var sender = new UpdateSender(connection, state, NullLogger<UpdateSender>.Instance, time);
        var fetcher = new AdapterFetcher(connection, new BlobCache(state.Cache, time, NullLogger<BlobCache>.Instance));
        var runner = new RoundRunner(connection, state, trainer, rules, options, fetcher, sender,
            new NodeInstruments(meters, connection.Traffic), NullLogger<RoundRunner>.Instance, time);
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), new Random(1));
        await new NodeDaemon(connection,
            new Enroller(connection, new CoordinatorAddress(options.Coordinator), new PeerIdentity(state.Root, "node", time), state,
                options, NullLogger<Enroller>.Instance), runner, sender, trainer, rules, backoff, NullLogger<NodeDaemon>.Instance, time)
            .RunAsync(cancellationToken);
    }

    // Nothing listens on the first port (tcpmux, RFC 1078): connecting there fails at once.
    private const string Nowhere = "http://127.0.0.1:1";

    private sealed class NoTrainer : IRoundTrainer
    {
        public string Fingerprint => "";

        public string? Refuses(TrainingTask task) => throw new InvalidOperationException("there is no coordinator to ask");

        public VectorLayout SparseLayout(TrainingTask task) => throw new InvalidOperationException("there is no coordinator to ask");

        public RoundOutput Train(RoundInput input, IProgress<TrainingProgress> progress, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("there is no coordinator to ask");

        public void Dispose()
        {
        }
    }
}
