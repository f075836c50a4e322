using FedLora.Client.Connection;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using FedLora.Server.Hosting;
using FedLora.Tests;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace FedLora.Server.Tests;

/// <summary>A transfer that stands still is told so; it was told that the coordinator is stopping.</summary>
public sealed class IdleTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-server-tests-");

    [Fact]
    public async Task An_upload_that_stands_still_is_told_so()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await CoordinatorHost.StartAsync(
            new ServerOptions { Data = _folder.FullName, Listen = "http://127.0.0.1:0" },
            builder => builder.Services.AddSingleton<TimeProvider>(time), TestContext.Current.CancellationToken);
        using var connection = new CoordinatorConnection(host.Url)
        {
            Credential = (await File.ReadAllTextAsync(AccessTokens.FileOf(_folder.FullName, Roles.Operator),
                TestContext.Current.CancellationToken)).Trim(),
        };
        using var upload = connection.Admin.PutBlob(connection.Options(TestContext.Current.CancellationToken));
        await upload.RequestStream.WriteAsync(new Chunk { Data = ByteString.CopyFrom(1, 2, 3) }, TestContext.Current.CancellationToken);
        var answer = upload.ResponseAsync;
        // Again and again: when the first chunk arrives, and with it the counting begins anew, is not seen from here.
        await Until.SoAsync("the upload is over", () => answer.IsCompleted, () => time.Advance(TimeSpan.FromSeconds(61)));
        var error = await Assert.ThrowsAsync<RpcException>(() => answer);
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        Assert.Contains("nothing moved for 60 s", error.Status.Detail, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
