using System.Security.Cryptography;
using FedLora.Aggregation;
using FedLora.Protocol;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.Transfer;
using FedLora.Protocol.V1;
using FedLora.Tests;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using static FedLora.Federations.Definitions.DefinitionTerms;

namespace FedLora.Server.Tests;

/// <summary>Transfers over thin links, and those that are under way when the coordinator stops.</summary>
public sealed class TransferTests
{
    private static readonly byte[] UpdateBytes = Update();

    /// <summary>At 64 kB/s the first acknowledgement, due after 4 MiB, came after 63 s; the client gives up after 60 without one.</summary>
    [Fact]
    public async Task On_a_thin_link_bytes_are_acknowledged_by_time()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var bench = await Bench.StartAsync(configure: builder => builder.Services.AddSingleton<TimeProvider>(time));
        using var upload = await BeginAsync(bench, await TaskAsync(bench, "a"));
        var (sent, acknowledged) = (0, new List<long>());
        for (var chunk = 0; chunk < 3; chunk++)
        {
            time.Advance(TimeSpan.FromSeconds(6));
            await SendAsync(upload, sent, 10);
            sent += 10;
            acknowledged.Add(await AcknowledgedAsync(upload));
        }

        Assert.Equal([10, 20, 30], acknowledged);
    }

    /// <summary>The stop waited ten seconds for a node that sends nothing, and cut the connection then.</summary>
    [Fact]
    public async Task A_stop_ends_a_stalled_upload_with_a_word_and_it_goes_on_after_the_start()
    {
        await using var bench = await Bench.StartAsync();
        var (task, credential) = await TaskAsync(bench, "a");
        using (var upload = await BeginAsync(bench, (task, credential)))
        {
            await SendAsync(upload, 0, 10);
            await Until.SoAsync("what was sent is on the disk", () =>
                Directory.EnumerateFiles(Path.Combine(bench.Data, "partial")).Any(file => new FileInfo(file).Length == 10));
            // As a node does, it listens while it sends.
            var answer = upload.ResponseStream.MoveNext(default);
            await bench.StopAsync(disconnect: false);
            await SayStoppingAsync(() => answer);
        }

        bench.Operator.Dispose();

        await bench.RestartAsync();
        using var again = bench.Operator.Node.PutUpdate(As(credential));
        await again.RequestStream.WriteAsync(Header(task));
        Assert.Equal(10, await AcknowledgedAsync(again));
    }

    /// <summary>Nor for an operator that stops in the middle of an adapter.</summary>
    [Fact]
    public async Task A_stop_ends_an_operators_stalled_upload_with_a_word()
    {
        await using var bench = await Bench.StartAsync();
        using var upload = bench.Operator.Admin.PutBlob(bench.Operator.Options(default));
        await upload.RequestStream.WriteAsync(new Chunk { Data = ByteString.CopyFrom(1, 2, 3) });
        await Until.SoAsync("what was sent is on the disk", () =>
            Directory.EnumerateFiles(bench.Data, "*", SearchOption.AllDirectories)
                .Any(file => file.Contains("temporary", StringComparison.Ordinal)));
        await bench.StopAsync(disconnect: false);
        await SayStoppingAsync(() => upload.ResponseAsync);
    }

    /// <summary>Its next write, cancelled in the middle, reset the stream instead.</summary>
    [Fact]
    public async Task A_stop_ends_a_download_with_a_word_once_its_caller_reads_on()
    {
        await using var bench = await Bench.StartAsync();
        using var download = await BeginDownloadAsync(bench);
        var stop = bench.StopAsync(disconnect: false);
        await SayStoppingAsync(async () =>
        {
            while (await download.ResponseStream.MoveNext(default))
            {
            }
        });
        await stop;
    }

    /// <summary>By a clock that stands still: nothing is waited for.</summary>
    [Fact]
    public async Task A_stop_ends_who_follows_events_at_once_and_with_a_word()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var bench = await Bench.StartAsync(configure: builder => builder.Services.AddSingleton<TimeProvider>(time));
        using var events = bench.Operator.Upkeep.ListEvents(new ListEventsRequest { Follow = true }, bench.Operator.Options(default));
        Assert.True(await events.ResponseStream.MoveNext(default));
        var stop = bench.StopAsync(disconnect: false);
        await SayStoppingAsync(async () =>
        {
            while (await events.ResponseStream.MoveNext(default))
            {
            }
        });
        await stop.WaitAsync(Bench.Never);
    }

    /// <summary>What it has not taken stands before the word: who does not read by the end of the stop cannot hear it.</summary>
    [Fact]
    public async Task A_stop_does_not_wait_for_who_does_not_read_a_download()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var bench = await Bench.StartAsync(configure: builder => builder.Services.AddSingleton<TimeProvider>(time));
        using var download = await BeginDownloadAsync(bench);
        var stop = bench.StopAsync(disconnect: false);
        await Until.SoAsync("the coordinator has stopped", () => stop.IsCompleted, () => time.Advance(TimeSpan.FromSeconds(1)));
        await stop;
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await download.ResponseStream.MoveNext(default))
            {
            }
        });
        Assert.DoesNotContain("the coordinator is stopping", error.Status.Detail, StringComparison.Ordinal);
    }

    private static async Task<AsyncServerStreamingCall<Chunk>> BeginDownloadAsync(Bench bench)
    {
        using var upload = bench.Operator.Admin.PutBlob(bench.Operator.Options(default));
        await upload.RequestStream.WriteAsync(new Chunk { Data = ByteString.CopyFrom(new byte[2 * ChunkSender.ChunkSize]) });
        await upload.RequestStream.CompleteAsync();
        var blob = await upload.ResponseAsync;
        var download = bench.Operator.Admin.GetBlob(new GetBlobRequest { Sha256 = blob.Sha256 }, bench.Operator.Options(default));
        // They go out with the first chunk, which is a little larger than what a stream carries unread (64 KiB - 1).
        await download.ResponseHeadersAsync;
        return download;
    }

    private static async Task SayStoppingAsync(Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal((StatusCode.Unavailable, "the coordinator is stopping"), (error.StatusCode, error.Status.Detail));
    }

    private static async Task<(TrainingTask Task, string Credential)> TaskAsync(Bench bench, string name)
    {
        var request = new EnrolRequest { Token = await bench.TokenAsync(), Name = name, RequestId = Guid.NewGuid().ToString("N") };
        var credential = (await bench.Operator.Enrolment.EnrolAsync(request)).Credential;
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        var poll = new PollTaskRequest { Profile = new NodeProfile { ModelFingerprints = { FakeTrainer.Fingerprint } } };
        return ((await bench.Operator.Node.PollTaskAsync(poll, As(credential))).Task, credential);
    }

    private static async Task<AsyncDuplexStreamingCall<UpdateMessage, UpdateAck>> BeginAsync(Bench bench,
        (TrainingTask Task, string Credential) node)
    {
        var upload = bench.Operator.Node.PutUpdate(As(node.Credential));
        await upload.RequestStream.WriteAsync(Header(node.Task));
        Assert.Equal(0, await AcknowledgedAsync(upload));
        return upload;
    }

    private static Task SendAsync(AsyncDuplexStreamingCall<UpdateMessage, UpdateAck> upload, int from, int count) =>
        upload.RequestStream.WriteAsync(
            new UpdateMessage { Chunk = new Chunk { Offset = from, Data = ByteString.CopyFrom(UpdateBytes, from, count) } });

    private static async Task<long> AcknowledgedAsync(AsyncDuplexStreamingCall<UpdateMessage, UpdateAck> upload)
    {
        using var limit = new CancellationTokenSource(Bench.Never);
        Assert.True(await upload.ResponseStream.MoveNext(limit.Token));
        return upload.ResponseStream.Current.Received;
    }

    private static UpdateMessage Header(TrainingTask task) => new()
    {
        Header = new UpdateHeader
        {
            Federation = "test",
            Round = task.Round,
            Attempt = task.Attempt,
            ExampleCount = 10,
            Steps = 1,
            Blob = new BlobRef { Sha256 = Convert.ToHexStringLower(SHA256.HashData(UpdateBytes)), Size = UpdateBytes.Length },
        },
    };

    private static CallOptions As(string credential) => new(Bearer.Of(credential));

    private static byte[] Update()
    {
        var definition = Bench.Define("fedit", 1, 1).ToModel();
        return Methods.Get("fedit").Initialize(definition.ToLayout(), definition.ToMethodOptions(), 5).ToBytes();
    }
}
