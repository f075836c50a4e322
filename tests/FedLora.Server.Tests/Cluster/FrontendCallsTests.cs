using System.Reflection;
using FedLora.Grains;
using FedLora.Grains.Registry;
using FedLora.Server.Frontends;
using FedLora.Server.Tests.Certificates;
using FedLora.Tests;
using Microsoft.Extensions.Time.Testing;
using Orleans.Serialization.Invocation;

namespace FedLora.Server.Tests.Cluster;

/// <summary>What a frontend's calls do when a silo dies, without any silo.</summary>
public sealed class FrontendCallsTests : IDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);
    private readonly FakeTimeProvider _time = new();
    private readonly SiloDeaths _deaths;
    private readonly FrontendCalls _calls;

    public FrontendCallsTests()
    {
        _deaths = new(_time);
        _calls = new(_deaths, _time);
    }

    public void Dispose() => _deaths.Dispose();

    [Fact]
    public async Task One_that_may_be_repeated_is_given_up_at_a_death_and_made_again()
    {
        var call = new AskedCall(nameof(IRegistryGrain.ListFederationsAsync),
            attempt => attempt == 1 ? AskedCall.Never : Task.CompletedTask);
        var asked = _calls.Invoke(call.Context);
        Assert.False(asked.IsCompleted);
        _deaths.Tell();
        await Until.SoAsync("it is answered", () => asked.IsCompleted, () => _time.Advance(Step));
        await asked;
        Assert.Equal(2, call.Attempts);
    }

    /// <summary>The other silos may not know of the death yet, and hand it on to the dead one.</summary>
    [Fact]
    public async Task One_that_is_made_just_after_a_death_is_made_again_when_all_know_of_it()
    {
        var call = new AskedCall(nameof(IRegistryGrain.ListFederationsAsync),
            attempt => attempt == 1 ? AskedCall.Never : Task.CompletedTask);
        _deaths.Tell();
        var asked = _calls.Invoke(call.Context);
        _time.Advance(SiloDeaths.KnownEverywhere - Step);
        Assert.Equal(1, call.Attempts);
        await Until.SoAsync("it is answered", () => asked.IsCompleted, () => _time.Advance(Step));
        await asked;
        Assert.Equal(2, call.Attempts);
    }

    [Fact]
    public async Task One_that_may_not_be_is_waited_for_a_little_and_then_told_as_unknown()
    {
        var call = new AskedCall(nameof(IRegistryGrain.AddFederationAsync), _ => AskedCall.Never);
        var asked = _calls.Invoke(call.Context);
        _deaths.Tell();
        _time.Advance(SiloDeaths.Grace - Step);
        Assert.False(asked.IsCompleted);
        _time.Advance(Step);
        await Assert.ThrowsAsync<SiloUnavailableException>(() => asked.WaitAsync(Bench.Never, TestContext.Current.CancellationToken));
        Assert.Equal(1, call.Attempts);
    }

    [Fact]
    public async Task One_that_is_rejected_is_repeated_until_its_patience_is_over()
    {
        var call = new AskedCall(nameof(IRegistryGrain.ListFederationsAsync),
            _ => Task.FromException(new SiloUnavailableException("no gateways available")));
        var began = _time.GetTimestamp();
        var asked = _calls.Invoke(call.Context);
        await Until.SoAsync("it is given up", () => asked.IsCompleted, () => _time.Advance(Step));
        var error = await Assert.ThrowsAsync<SiloUnavailableException>(() => asked);
        Assert.Contains("no gateways available", error.Message, StringComparison.Ordinal);
        Assert.True(_time.GetElapsedTime(began) >= FrontendCalls.Patience);
        Assert.True(call.Attempts > 10, $"{call.Attempts} attempts");
    }

    [Fact]
    public async Task One_that_is_refused_is_not_made_again()
    {
        var call = new AskedCall(nameof(IRegistryGrain.ListFederationsAsync),
            _ => Task.FromException(new RefusedException("some-code", "No.", "Do not.")));
        await Assert.ThrowsAsync<RefusedException>(() => _calls.Invoke(call.Context));
        Assert.Equal(1, call.Attempts);
    }

    [Fact]
    public async Task One_whose_caller_has_gone_is_not_made_again()
    {
        using var caller = new CancellationTokenSource();
        var call = new AskedCall(nameof(IRegistryGrain.ListFederationsAsync), _ => AskedCall.Never, caller.Token);
        var asked = _calls.Invoke(call.Context);
        await caller.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        Assert.Equal(1, call.Attempts);
    }

    /// <summary>A call as Orleans hands it to its filters.</summary>
    /// <param name="method">Of the registry.</param>
    /// <param name="answer">By attempt, from 1.</param>
    /// <param name="cancellationToken">The token that it is made with.</param>
    private sealed class AskedCall(string method, Func<int, Task> answer, CancellationToken cancellationToken = default)
    {
        /// <summary>No answer until the attempt is cancelled.</summary>
        public static readonly Task Never = new TaskCompletionSource().Task;

        private CancellationToken _token = cancellationToken;

        public int Attempts { get; private set; }

        public IOutgoingGrainCallContext Context => Scripted.Of<IOutgoingGrainCallContext>((asked, _) => asked.Name switch
        {
            "get_Request" => Scripted.Of<IInvokable>(Argument),
            "get_InterfaceMethod" => typeof(IRegistryGrain).GetMethod(method),
            "get_MethodName" => method,
            "Invoke" => AnswerAsync(),
            _ => null,
        });

        private object? Argument(MethodInfo asked, object?[] arguments)
        {
            if (asked.Name == nameof(IInvokable.SetArgument))
                _token = (CancellationToken)arguments[1]!;
            return asked.Name switch
            {
                nameof(IInvokable.GetArgumentCount) => 1,
                nameof(IInvokable.GetArgument) => _token,
                _ => null,
            };
        }

        private Task AnswerAsync() => answer(++Attempts).WaitAsync(_token);
    }
}
