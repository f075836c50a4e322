#!/usr/bin/env bash
# Grpc.Net.Client 2.85.0 on .NET 10: a streaming call that meets a GOAWAY is made again without the messages that were already written.
#
# Expected: a server that lets a connection go (GOAWAY, NO_ERROR, with a last stream below the call's) has not looked at the call; it is made
# again with all that was written, or fails.
# Seen: HttpClient makes it again on a new connection by itself and asks the content for its bytes a second time. Those of a unary call are
# there; those of a client's or duplex stream have gone to the first connection. WriteAsync had returned, the call goes on, the server sees
# a stream without its first message, and both may wait for each other. Here the second connection says OK after a second with nothing
# received.
# Ends with 0 while this is so, and with 1 when a version sends the message again, or fails the call.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
cat >probe.csproj <<'EOF'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
  <ItemGroup><PackageReference Include="Grpc.Net.Client" Version="2.85.0" /></ItemGroup>
</Project>
EOF
cat >Probe.cs <<'EOF'
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Grpc.Core;
using Grpc.Net.Client;

// A server of HTTP/2 frames: the first connection is let go as soon as a message has come, the second answers after a second.
using var listener = new TcpListener(IPAddress.Loopback, 0);
listener.Start();
var heard = new int[2];
var server = Task.Run(async () =>
{
    for (var connection = 0; connection < 2; connection++)
    {
        using var client = await listener.AcceptTcpClientAsync();
        var stream = client.GetStream();
        await stream.ReadExactlyAsync(new byte[24]);
        await SendAsync(stream, 4, 0, 0, []);
        var (isAnswered, call) = (false, 0);
        while (!isAnswered)
        {
            using var second = new CancellationTokenSource(call > 0 && connection == 1 ? 1000 : 10_000);
            var head = new byte[9];
            try
            {
                await stream.ReadExactlyAsync(head, second.Token);
            }
            catch (OperationCanceledException) when (call > 0)
            {
                await SendAsync(stream, 1, 4, call, [0x88, 0x5F, 16, .. Encoding.ASCII.GetBytes("application/grpc")]);
                await SendAsync(stream, 1, 5, call, [0, 11, .. Encoding.ASCII.GetBytes("grpc-status"), 1, (byte)'0']);
                await Task.Delay(500);
                break;
            }
            var body = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
            await stream.ReadExactlyAsync(body);
            if (head[3] == 4 && (head[4] & 1) == 0)
                await SendAsync(stream, 4, 1, 0, []);
            if (head[3] == 1)
                call = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5));
            if (head[3] == 0)
                heard[connection] += body.Length;
            if (connection == 0 && heard[0] > 0)
            {
                await SendAsync(stream, 7, 0, 0, new byte[8]);
                await Task.Delay(200);
                isAnswered = true;
            }
        }
    }
});

using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
var bytes = Marshallers.Create(message => message, message => message);
var method = new Method<byte[], byte[]>(MethodType.DuplexStreaming, "probe", "Talk", bytes, bytes);
using var talk = channel.CreateCallInvoker().AsyncDuplexStreamingCall(method, null, new CallOptions(deadline: DateTime.UtcNow.AddSeconds(20)));
await talk.RequestStream.WriteAsync(Encoding.ASCII.GetBytes("hello"));
Console.WriteLine("written: True");
try
{
    Console.WriteLine($"answered: {await talk.ResponseStream.MoveNext(default)}, status {talk.GetStatus().StatusCode}");
}
catch (RpcException error)
{
    Console.WriteLine($"failed: {error.StatusCode}");
}
await server;
Console.WriteLine($"bytes on the first connection: {heard[0]}");
Console.WriteLine($"bytes on the second connection: {heard[1]}");

static async Task SendAsync(NetworkStream stream, byte type, byte flags, int id, byte[] body)
{
    var head = new byte[9];
    (head[0], head[1], head[2], head[3], head[4]) = ((byte)(body.Length >> 16), (byte)(body.Length >> 8), (byte)body.Length, type, flags);
    BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(5), id);
    await stream.WriteAsync((byte[])[.. head, .. body]);
}
EOF
timeout 120 dotnet run --property:NuGetAudit=false >seen.txt 2>build.log || { cat build.log seen.txt >&2; exit 1; }
cat seen.txt
grep -q '^answered: False, status OK' seen.txt && grep -q '^bytes on the first connection: 10' seen.txt && grep -q '^bytes on the second connection: 0' seen.txt
