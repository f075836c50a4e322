using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using FedLora.Server.Backups;
using FedLora.Server.Certificates;
using FedLora.Server.Mapping;
using FedLora.Tests;
using Google.Protobuf;

namespace FedLora.Server.Tests;

/// <summary>What strangers and nodes send to a coordinator.</summary>
public sealed class ServerFuzzTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"fedlora-fuzz-{Guid.NewGuid():N}.json");

    [Fact]
    public void Polls() => Mutations.Try("PollTaskRequest",
        [
            new PollTaskRequest
            {
                WaitSeconds = 30,
                Profile = new NodeProfile
                {
                    ModelFingerprints = { new string('a', 64) },
                    Balances = { new PrivacyBalance { DataSet = "d", LimitEpsilon = 8, Delta = 1e-5 } },
                },
                Traffic = new Traffic { Sent = 1, Received = 2 },
            }.ToByteArray(),
        ], 4_000_000, bytes => PollTaskRequest.Parser.ParseFrom(bytes).ToGrain(), IsNoMessage);

    [Fact]
    public void Reports() => Mutations.Try("StatusReport",
        [new StatusReport { Federation = "test", Round = 1, Phase = TaskPhase.Failed, Reason = "no" }.ToByteArray()], 4_000_000,
        bytes => StatusReport.Parser.ParseFrom(bytes).ToGrain(), IsNoMessage);

    [Fact]
    public void Headers_of_updates() => Mutations.Try("UpdateHeader",
        [
            new UpdateHeader
            {
                Federation = "test",
                Round = 1,
                ExampleCount = 10,
                Blob = new BlobRef { Sha256 = new string('a', 64), Size = 100 },
                Receipt = new PrivacyReceipt { DataSet = "d", EpsilonSpent = 1, Delta = 1e-5 },
            }.ToByteArray(),
        ], 4_000_000, bytes =>
        {
            // Without a blob it comes no further than the intake.
            if (UpdateHeader.Parser.ParseFrom(bytes) is { Blob: not null } header)
                header.ToGrain("a");
        }, IsNoMessage);

    [Fact]
    public void Certificate_requests()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Mutations.Try("certificate request",
            [new CertificateRequest("CN=a", key, HashAlgorithmName.SHA256).CreateSigningRequest()], 4_000_000,
            bytes => Requests.Key(bytes));
    }

    [Fact]
    public void Credentials() => Mutations.Try("credential", [Encoding.UTF8.GetBytes($"{new string('a', 32)}.{new string('b', 64)}")],
        1_000_000, bytes => NodeBearer.Parse(Encoding.UTF8.GetString(bytes)));

    [Fact]
    public void Manifests_of_backups() => Mutations.Try("backup manifest",
        [
            new BackupManifest
            {
                Version = BackupManifest.Current,
                Taken = DateTimeOffset.UnixEpoch,
                Coordinator = new string('c', 64),
                Files = [new(BackupManifest.StateFile, 10, new string('a', 64)), new("audit/000001.jsonl", 10, new string('b', 64))],
                Blobs = [new(new string('d', 64), 5)],
            }.ToBytes(),
        ], 4_000_000, bytes =>
        {
            File.WriteAllBytes(_file, bytes);
            BackupManifest.Read(_file);
        });

    public void Dispose() => File.Delete(_file);

    // What gRPC itself answers for, before any of this program's code.
    private static bool IsNoMessage(Exception error) => error is InvalidProtocolBufferException;
}
