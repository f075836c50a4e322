using FedLora.Protocol;
using FedLora.Server.Hosting;
using FedLora.Server.Services;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Tests;

/// <summary>What a caller is told of calls that did not come to an end.</summary>
public sealed class CallFailuresTests
{
    /// <summary>A slow disk was called a coordinator that takes over.</summary>
    [Theory]
    [InlineData(null, false, "coordinator-busy", "busy")]
    [InlineData(null, true, "coordinator-away", "starting or stopping")]
    [InlineData("Host=db", false, "coordinator-busy", "one of its coordinators has gone, or the database is slow")]
    [InlineData("Host=db", true, "coordinator-away", "another is taking over")]
    public void Only_in_a_cluster_is_anything_taken_over(string? postgres, bool isSiloGone, string code, string says)
    {
        var failures = new CallFailures(Options.Create(new ServerOptions { Postgres = postgres }), NullLogger<CallFailures>.Instance);
        Exception error = isSiloGone ? new SiloUnavailableException("gone") : new TimeoutException("30 s");
        var told = failures.Explain(error, "/call", default);
        var explained = RpcErrors.FromRpc(told, "http://here");
        Assert.Equal((StatusCode.Unavailable, code), (told.StatusCode, explained.Code));
        Assert.Contains(says, explained.Message, StringComparison.Ordinal);
        Assert.Equal(postgres is not null && isSiloGone, explained.Message.Contains("taking over", StringComparison.Ordinal));
        Assert.Contains("nothing was acknowledged", explained.Hint, StringComparison.Ordinal);
    }
}
