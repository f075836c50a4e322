using System.Collections.Concurrent;
using System.Diagnostics;
using FedLora.Protocol;
using FedLora.Protocol.V1;
using FedLora.Server.Tests.Authentication;
using FedLora.Tests;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Net.Client;

namespace FedLora.Server.Tests;

/// <summary>
/// Every call of a running coordinator, with messages that are none, or say what cannot be: each is answered with a refusal or a result,
/// none with a defect, and the coordinator goes on.
/// </summary>
public sealed class CallFuzzTests
{
    private const int AtOnce = 32;

    // These wait for something to happen; a caller who hangs up is one of the cases.
    private static readonly string[] Waiting = ["PollTask", "WatchFederation", "ListEvents"];
    private static readonly Marshaller<byte[]> Bytes = new(bytes => bytes, bytes => bytes);

    [Fact]
    public async Task No_message_is_a_defect()
    {
        await using var bench = await Bench.StartAsync();
        var node = await bench.EnrolAsync();
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        using var channel = GrpcChannel.ForAddress(bench.Operator.Url);
        var (seeds, answers, began) = (Seeds(), new ConcurrentDictionary<StatusCode, int>(), Stopwatch.GetTimestamp());
        await Parallel.ForAsync(0, Mutations.Cases, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, cancellationToken) =>
        {
            var random = new Random(Mutations.Seed + i);
            var method = EveryCall.All[random.Next(EveryCall.All.Count)];
            var bytes = Mutations.Mutate(seeds[method.InputType.FullName], random);
            var limit = Waiting.Contains(method.Name) ? TimeSpan.FromMilliseconds(50) : Bench.Never;
            var (status, detail) = await AskAsync(channel, method, bytes,
                method.Service.Name == "Node" ? node.Credential : bench.Operator.Credential!, limit);
            answers.AddOrUpdate(status, 1, (_, known) => known + 1);
            AssertIsNoDefect(method, bytes, status, detail);
        });
        Mutations.Log($"calls: {Mutations.Cases} cases, {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s in all; "
            + string.Join(", ", answers.OrderBy(answer => answer.Key).Select(answer => $"{answer.Value} {answer.Key}")));
        Assert.True(answers.GetValueOrDefault(StatusCode.OK) > 0);
        Assert.NotEmpty((await bench.Operator.Admin.ListNodesAsync(new ListNodesRequest(), bench.Operator.Options(default))).Nodes);
    }

    /// <summary>No grain has such a key, no file such a name, and no list such an entry.</summary>
    [Theory]
    [InlineData(" ")]
    [InlineData("\n\t")]
    [InlineData("\u3000")]
    public async Task Blank_texts_everywhere_are_no_defect(string blank)
    {
        await using var bench = await Bench.StartAsync();
        var node = await bench.EnrolAsync();
        using var channel = GrpcChannel.ForAddress(bench.Operator.Url);
        foreach (var method in EveryCall.All.Where(method => !Waiting.Contains(method.Name)))
        {
            var bytes = Filled(method.InputType, 3, blank).ToByteArray();
            var (status, detail) = await AskAsync(channel, method, bytes,
                method.Service.Name == "Node" ? node.Credential : bench.Operator.Credential!, Bench.Never);
            AssertIsNoDefect(method, bytes, status, detail);
        }
    }

    private static void AssertIsNoDefect(MethodDescriptor method, byte[] bytes, StatusCode status, string detail)
    {
        // Of bytes that are no message at all the library says no more than that, before any of this program's code.
        var isDefect = status is StatusCode.Internal or StatusCode.DataLoss or StatusCode.Unavailable
            || (status == StatusCode.Unknown && IsMessage(method, bytes));
        Assert.False(isDefect, $"{method.FullName} of {Convert.ToBase64String(bytes)}: {status}, {detail}");
    }

    private static Dictionary<string, byte[][]> Seeds() => EveryCall.All
        .Select(method => method.InputType).DistinctBy(type => type.FullName).ToDictionary(
            type => type.FullName, type => (byte[][])[Filled(type, 3, "test").ToByteArray(), type.Parser.ParseFrom([]).ToByteArray()]);

    private static bool IsMessage(MethodDescriptor method, byte[] bytes)
    {
        try
        {
            method.InputType.Parser.ParseFrom(bytes);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    /// <summary>A message with something in every field.</summary>
    private static IMessage Filled(MessageDescriptor type, int depth, string text)
    {
        var message = type.Parser.ParseFrom([]);
        foreach (var field in type.Fields.InDeclarationOrder())
        {
            object? value = field.FieldType switch
            {
                FieldType.String => field.Name.Contains("sha256", StringComparison.Ordinal) ? new string('a', 64) : text,
                FieldType.Bool => true,
                FieldType.Double => 0.5,
                FieldType.Float => 0.5f,
                FieldType.Int32 => 1,
                FieldType.Int64 => 1L,
                FieldType.UInt32 => 1u,
                FieldType.UInt64 => 1ul,
                FieldType.Bytes => ByteString.CopyFromUtf8("bytes"),
                FieldType.Message when depth > 0 && !field.IsMap => Filled(field.MessageType, depth - 1, text),
                _ => null,
            };
            if (value is null)
                continue;
            if (field.IsRepeated)
                ((System.Collections.IList)field.Accessor.GetValue(message)).Add(value);
            else
                field.Accessor.SetValue(message, value);
        }

        return message;
    }

    private static async Task<(StatusCode Status, string Detail)> AskAsync(GrpcChannel channel, MethodDescriptor method, byte[] bytes,
        string credential, TimeSpan limit)
    {
        using var end = new CancellationTokenSource(limit);
        var call = new Method<byte[], byte[]>(MethodType.DuplexStreaming, method.Service.FullName, method.Name, Bytes, Bytes);
        using var running = channel.CreateCallInvoker()
            .AsyncDuplexStreamingCall(call, null, new CallOptions(Bearer.Of(credential), cancellationToken: end.Token));
        try
        {
            await running.RequestStream.WriteAsync(bytes, end.Token);
            await running.RequestStream.CompleteAsync();
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException or OperationCanceledException)
        {
            // Refused before all was sent: the response says why.
        }

        try
        {
            while (await running.ResponseStream.MoveNext(end.Token))
            {
            }

            return (running.GetStatus().StatusCode, running.GetStatus().Detail);
        }
        catch (RpcException error)
        {
            // Who hangs up while the message is being sent may be told Unavailable by its own side of the connection.
            return (end.IsCancellationRequested ? StatusCode.Cancelled : error.StatusCode, error.Status.Detail);
        }
    }
}
